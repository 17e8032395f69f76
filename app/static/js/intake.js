/* The phone form: finding the customer by keyboard, the draft that saves itself, going on by keys. */
(function () {
  'use strict';
  var doc = document, form = doc.querySelector('[data-intake]');
  if (!form) return;
  var who = form.querySelector('[data-who]'), matches = doc.getElementById('matches'), chosen = doc.getElementById('chosen');
  var fresh = form.querySelector('[data-new-customer]'), thing = form.querySelector('[data-new-asset]');
  function options() { return Array.prototype.slice.call(matches.querySelectorAll('[role=option]')); }

  /* Choosing a customer. */
  function mark(option) {
    options().forEach(function (one) { one.setAttribute('aria-selected', one === option ? 'true' : 'false'); });
    if (option) { option.scrollIntoView({ block: 'nearest' }); who.setAttribute('aria-activedescendant', option.id); }
  }
  doc.addEventListener('htmx:after:swap', function (event) {
    var found = options();
    found.forEach(function (option, n) { option.id = 'match-' + n; });
    who.setAttribute('aria-expanded', found.length ? 'true' : 'false');
    if (found.length && !found.some(function (one) { return one.getAttribute('aria-selected') === 'true'; })) mark(found[0]);
    assetChosen();
    options_();
  });
  function choose(option) {
    clear();
    fresh.hidden = true;
    window.htmx.ajax('GET', form.dataset.customer.replace('/0', '/' + option.dataset.customer), { target: '#chosen', swap: 'innerHTML' }).then(function () {
      var next = form.querySelector('[name=asset_id]') || doc.getElementById('f-title');
      if (next) next.focus();
      later();
    });
  }
  function clear() { matches.textContent = ''; who.value = ''; who.setAttribute('aria-expanded', 'false'); who.removeAttribute('aria-activedescendant'); }
  matches.addEventListener('click', function (event) {
    var option = event.target.closest('[role=option]');
    if (option) choose(option);
  });
  who.addEventListener('keydown', function (event) {
    var found = options(), at = found.findIndex(function (one) { return one.getAttribute('aria-selected') === 'true'; });
    if (event.isComposing || !found.length) { if (event.key === 'Enter' && !event.ctrlKey) { event.preventDefault(); carry(); } return; }
    if (event.key === 'ArrowDown') { event.preventDefault(); mark(found[(at + 1) % found.length]); }
    else if (event.key === 'ArrowUp') { event.preventDefault(); mark(found[(at + found.length - 1) % found.length]); }
    else if (event.key === 'Enter' && !event.ctrlKey) { event.preventDefault(); choose(found[Math.max(at, 0)]); }
    else if (event.key === 'Escape') { event.preventDefault(); event.stopPropagation(); clear(); }
  });
  /* Nobody fits: what was typed is the new customer's number, plate or name. */
  function carry() {
    var text = who.value.trim(), name = /^[+\d][\d\s-]{5,}$/.test(text) ? 'customer_phone'
      : /^[\u4e00-\u9fff][A-Za-z]/.test(text) ? 'plate' : /\d/.test(text) ? 'serial' : 'customer_name';
    if (!text) return;
    var field = form.elements[name];
    if (field && !field.value) field.value = text;
    clear();
    (form.elements.customer_name.value ? form.elements.customer_phone : form.elements.customer_name).focus();
    later();
  }
  who.addEventListener('blur', function () { setTimeout(function () { if (!matches.contains(doc.activeElement)) matches.textContent = ''; }, 250); });
  chosen.addEventListener('click', function (event) {
    if (!event.target.closest('[data-unchoose]')) return;
    chosen.textContent = ''; doc.getElementById('assets').textContent = ''; fresh.hidden = false;
    assetChosen(); who.focus(); later();
  });
  function assetChosen() {
    var radio = form.querySelector('[name=asset_id]:checked');
    thing.hidden = !!(radio && radio.value);
  }
  function options_() {
    Array.prototype.forEach.call(form.querySelectorAll('.option'), function (label) {
      label.classList.toggle('option--on', label.querySelector('input').checked);
    });
  }
  form.addEventListener('change', function () { assetChosen(); options_(); });
  assetChosen();

  /* The draft: one and a half seconds after the last key, and when the page is left. */
  var waiting = 0, sent = '', said = form.querySelector('[data-draft-state]'), said2 = form.querySelector('[data-draft-state-2]');
  function values() {
    var body = new FormData(form);
    body.delete('files'); body.delete('q');
    return body;
  }
  function save(leaving) {
    clearTimeout(waiting);
    var body = values(), text = new URLSearchParams(body).toString();
    if (text === sent) return;
    sent = text;
    fetch(form.dataset.draft, { method: 'POST', body: body, keepalive: !!leaving, headers: { 'X-CSRFToken': window.desk.token() } }).then(function (answer) {
      if (!answer.ok) { sent = ''; return; }
      var now = new Date(), two = function (n) { return (n < 10 ? '0' : '') + n; };
      said2.textContent = form.dataset.saved.replace('{t}', two(now.getHours()) + ':' + two(now.getMinutes()));
      said.textContent = '';
    }, function () { sent = ''; });
  }
  function later() { clearTimeout(waiting); waiting = setTimeout(save, 1500); }
  sent = new URLSearchParams(values()).toString();
  form.addEventListener('input', function (event) { if (event.target !== who) later(); });
  doc.addEventListener('visibilitychange', function () { if (doc.hidden && !leaving) save(true); });

  /* Sent once; the server knows a form that comes twice, too. */
  var leaving = false;
  form.addEventListener('submit', function (event) {
    if (leaving) { event.preventDefault(); return; }
    leaving = true; clearTimeout(waiting);
    setTimeout(function () { leaving = false; }, 8000);
  });
  doc.addEventListener('keydown', function (event) {
    if (event.isComposing) return;
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.querySelector('[name=then][value=' + (event.shiftKey ? 'next' : 'case') + ']').click();
    } else if (event.altKey && /^[123]$/.test(event.key)) {
      event.preventDefault();
      [who, doc.getElementById('f-plate'), doc.getElementById('f-title')][Number(event.key) - 1].focus();
    }
  });
})();
