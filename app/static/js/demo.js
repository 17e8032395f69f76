// The demo bar: choosing a person is enough; the button is for browsers without script.
const choice = document.getElementById("demo-as");
if (choice) {
  choice.form.querySelector("[data-switch]").hidden = true;
  choice.addEventListener("change", () => choice.form.requestSubmit());
}
