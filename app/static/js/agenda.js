/* The agenda: the call beside its day, what its answers would lead to, drafts, ticks, keys. */
(function () {
  'use strict';
  var doc = document, main = doc.querySelector('[data-agenda]'), desk = window.desk;
  if (!main || !desk) return;
  function panel() { return doc.getElementById('call'); }
  function cards() { return Array.prototype.slice.call(main.querySelectorAll('.ag__main [data-call]')).filter(function (one) { return one.offsetParent; }); }
  function link(card) { return card.querySelector('[data-open]'); }
  function form() { return doc.querySelector('[data-call-form]'); }

  /* ---- which call is open ---- */
  function mark() {
    var id = panel() && panel().dataset.openCall;
    main.classList.toggle('ag--open', !!id);
    cards().forEach(function (card) {
      var on = card.dataset.call === id;
      card.classList.toggle(card.tagName === 'TR' ? 'on' : 'call--on', on);
      if (on) link(card).setAttribute('aria-current', 'true'); else link(card).removeAttribute('aria-current');
    });
  }
  var shown = panel();
  doc.addEventListener('htmx:after:swap', function () {
    if (panel() === shown) return;
    shown = panel();
    mark(); ready();
    if (shown && shown.querySelector('[data-error-summary]')) desk.focusErrors(); else if (shown && shown.dataset.openCall) shown.focus({ preventScroll: true });
  });
  doc.addEventListener('htmx:before:request', function (event) {
    var source = event.detail.ctx.sourceElement;
    if (source && source.matches && source.matches('[data-call-form]')) { clearTimeout(saving); sending = true; busy(true); } else flush();
  });
  doc.addEventListener('htmx:finally:request', function () { sending = false; busy(false); });
  function busy(on) {
    var button = doc.querySelector('[data-submit]');
    if (button) { if (on) button.setAttribute('aria-disabled', 'true'); else button.removeAttribute('aria-disabled'); }
  }
  function back() {
    var id = panel() && panel().dataset.openCall, card = id && main.querySelector('.ag__main [data-call="' + id + '"]');
    main.classList.remove('ag--open');
    if (card) link(card).focus();
  }

  /* ---- what the answers would lead to ---- */
  var asking = 0;
  function outlook() {
    var one = form();
    if (!one || !one.querySelector('[name=outcome]:checked') || one.querySelector('fieldset.plain[disabled]')) return;
    clearTimeout(asking);
    asking = setTimeout(function () {
      fetch(one.dataset.preview, { method: 'POST', body: new FormData(one), headers: { 'X-CSRFToken': desk.token(), 'HX-Request': 'true' } })
        .then(function (answer) { return answer.ok ? answer.text() : ''; })
        .then(function (html) { var place = doc.getElementById('outlook'); if (place && doc.contains(one)) { if (html) place.outerHTML = html; else place.textContent = ''; } })
        .catch(function () {});
    }, 250);
  }
  var STEERS = /^(outcome|no_answer|callback_at)$/;
  doc.addEventListener('change', function (event) { if (event.target.closest && event.target.closest('[data-call-form]') && STEERS.test(event.target.name)) outlook(); });
  function ready() {
    var later = doc.querySelector('[data-later]');
    if (later) later.hidden = !(form() && form().querySelector('[name=outcome][value=another_time]'));
    outlook();
  }
  doc.addEventListener('click', function (event) {
    if (!event.target.closest('[data-later]')) return;
    var choice = form().querySelector('[name=outcome][value=another_time]');
    choice.checked = true;
    choice.dispatchEvent(new Event('change', { bubbles: true }));
    var field = form().querySelector('[name=callback_at]');
    if (field) { field.scrollIntoView({ block: 'center' }); field.focus(); }
  });

  /* ---- drafts ---- */
  var saving = 0, dirty = null, sending = false;
  function save(one) {
    dirty = null;
    var body = new FormData();
    new FormData(one).forEach(function (value, name) { if (typeof value === 'string') body.append(name, value); });
    fetch(one.dataset.draft, { method: 'POST', body: body, keepalive: true, headers: { 'X-CSRFToken': desk.token(), 'X-Requested-With': 'fetch' } })
      .then(function (answer) { if (!answer.ok) throw new Error(answer.status); return answer.json(); })
      .then(function (told) { var place = doc.getElementById('saved'); if (place && doc.contains(one)) place.textContent = told.saved; })
      .catch(function () {});
  }
  function flush() { if (dirty && doc.contains(dirty) && !sending) { clearTimeout(saving); save(dirty); } }
  function typed(event) {
    var one = event.target.closest && event.target.closest('[data-call-form]');
    if (!one || one.querySelector('fieldset.plain[disabled]')) return;
    dirty = one;
    clearTimeout(saving);
    saving = setTimeout(flush, 900);
  }
  doc.addEventListener('input', typed);
  doc.addEventListener('change', typed);
  window.addEventListener('pagehide', flush);

  /* ---- several at once ---- */
  var many = doc.querySelector('[data-many]');
  function ticks(within) { return Array.prototype.slice.call((within || main).querySelectorAll('[data-tick]')); }
  function count() {
    if (!many) return;
    var n = ticks().filter(function (one) { return one.checked; }).length, words = many.querySelector('[data-many-words]');
    many.classList.toggle('many--on', n > 0);
    words.textContent = n === 1 ? words.dataset.one : words.dataset.more.replace('{n}', n);
  }
  doc.addEventListener('change', function (event) {
    var all = event.target.closest('[data-tick-all]');
    if (all) ticks(all.closest('section') || main).forEach(function (one) { one.checked = all.checked; });
    if (all || event.target.matches('[data-tick]')) count();
    if (event.target.closest('[data-filters]')) event.target.form.submit();
  });
  doc.addEventListener('click', function (event) {
    if (!event.target.closest('[data-many-clear]')) return;
    Array.prototype.forEach.call(main.querySelectorAll('[data-tick], [data-tick-all]'), function (one) { one.checked = false; });
    count();
  });

  /* ---- keys ---- */
  function move(step) {
    var all = cards(), at = all.indexOf(doc.activeElement.closest ? doc.activeElement.closest('[data-call]') : null);
    if (at < 0) at = all.findIndex(function (card) { return card.matches('.call--on, .on'); });
    var next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step];
    if (next) { link(next).focus({ preventScroll: true }); next.scrollIntoView({ block: 'nearest' }); }
  }
  doc.addEventListener('keydown', function (event) {
    if (event.defaultPrevented || event.isComposing) return;
    if ((event.ctrlKey || event.metaKey) && event.key === 'Enter') {
      var button = doc.querySelector('[data-submit]');
      if (button) { event.preventDefault(); button.click(); }
      return;
    }
    if (event.key === 'Escape' && !/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && main.classList.contains('ag--open')) { back(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || doc.body.dataset.keys === 'off') return;
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && !/^(checkbox|radio)$/.test(event.target.type)) return;
    var key = event.key.toLowerCase();
    if (key === 'j') move(1);
    else if (key === 'k') move(-1);
    else if (key === 'x' && many) {
      var card = doc.activeElement.closest && doc.activeElement.closest('[data-call]'), tick = card && card.querySelector('[data-tick]');
      if (tick) { tick.checked = !tick.checked; count(); }
    }
  });

  mark(); ready(); count();
})();
