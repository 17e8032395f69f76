/* Case list and case file: filter of the timeline, uploads at once, the chosen files' number. */
(function () {
  'use strict';
  var doc = document, each = window.desk.each;

  each('.only-script', function (element) { element.hidden = false; });

  /* The export takes the filter that is shown now; the list is replaced by htmx. */
  doc.addEventListener('htmx:after:swap', function () {
    var found = doc.getElementById('found'), link = doc.querySelector('[data-export]');
    if (found && link) link.href = link.href.split('?')[0] + (found.dataset.query ? '?' + found.dataset.query : '');
  });

  /* Timeline: one kind of event, or all. */
  each('[data-tl-filter]', function (select) {
    select.addEventListener('change', function () {
      each('[data-timeline] [data-group]', function (line) {
        line.hidden = !!select.value && line.dataset.group !== select.value;
      });
    });
  });

  /* A chosen file goes at once; without script the button beside it sends. */
  each('[data-upload-now]', function (form) {
    form.classList.add('upload-now--script');
    var input = form.querySelector('input[type=file]');
    input.addEventListener('change', function () { if (input.files.length) form.submit(); });
  });

  each('[data-pick]', function (input) {
    var words = input.parentNode.querySelector('[data-pick-words]'), before = words.textContent;
    input.addEventListener('change', function () {
      words.textContent = input.files.length === 1 ? input.files[0].name
        : input.files.length ? words.dataset.many.replace('{n}', input.files.length) : before;
    });
  });
})();
