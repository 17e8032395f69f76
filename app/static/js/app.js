/* What every page does: CSRF for htmx, polling that rests while hidden, menus, toasts, theme, copying, keys. */
(function () {
  'use strict';
  var doc = document, root = doc.documentElement;

  function token() { var meta = doc.querySelector('meta[name="csrf-token"]'); return meta ? meta.content : ''; }
  function each(selector, fn, within) { Array.prototype.forEach.call((within || doc).querySelectorAll(selector), fn); }

  /* htmx */
  doc.addEventListener('htmx:config:request', function (event) {
    event.detail.ctx.request.headers['X-CSRFToken'] = token();
  });

  /* Polling: elements with hx-trigger="poll" and data-poll="seconds"; nothing is asked while nobody looks. */
  var asked = new WeakMap();
  function poll() {
    if (doc.hidden) return;
    var now = Date.now();
    each('[data-poll]', function (element) {
      var last = asked.get(element);
      if (last === undefined) { asked.set(element, now); return; }
      if (now - last >= Number(element.dataset.poll) * 1000) {
        asked.set(element, now);
        element.dispatchEvent(new CustomEvent('poll'));
      }
    });
  }
  setInterval(poll, 1000);
  doc.addEventListener('visibilitychange', poll);

  /* The number of urgent tasks, shown on the rail and the phone's bar. */
  function urgent(n) {
    each('[data-urgent]', function (badge) { badge.textContent = n; badge.hidden = !Number(n); });
  }
  doc.addEventListener('htmx:after:swap', function () {
    var source = doc.querySelector('[data-urgent-source] [data-n]');
    if (source) urgent(source.dataset.n);
    var toast = doc.querySelectorAll('[data-toast]');
    Array.prototype.forEach.call(toast, expire);
  });

  /* Toasts */
  var expiring = new WeakSet();
  function expire(toast) {
    if (expiring.has(toast)) return;
    expiring.add(toast);
    var wait = setTimeout(function () { toast.remove(); }, 7000);
    toast.addEventListener('pointerenter', function () { clearTimeout(wait); });
  }
  function say(text) {
    var toast = doc.createElement('div'), words = doc.createElement('span');
    toast.className = 'toast'; words.textContent = text; toast.appendChild(words);
    var place = doc.getElementById('toasts'); place.textContent = ''; place.appendChild(toast); expire(toast);
  }
  each('[data-toast]', expire);

  /* Menus: details[data-menu] close on a click elsewhere and on Escape. */
  function closeMenus(except) {
    var closed = false;
    each('details[data-menu][open]', function (menu) {
      if (menu !== except) { menu.open = false; closed = true; }
    });
    return closed;
  }
  /* What opens at the bottom must not lie under the words about what came before. */
  doc.addEventListener('toggle', function (event) {
    if (event.target.matches('[data-popup][open]')) doc.getElementById('toasts').textContent = '';
  }, true);
  doc.addEventListener('click', function (event) {
    var target = event.target;
    closeMenus(target.closest('details[data-menu]'));
    var close = target.closest('[data-close]');
    if (close) {
      var dialog = close.closest('dialog'), menu = close.closest('details'), toast = close.closest('.toast');
      if (dialog) dialog.close(); else if (toast) toast.remove(); else if (menu) menu.open = false;
    }
    var copy = target.closest('[data-copy]');
    if (copy && navigator.clipboard) {
      navigator.clipboard.writeText(doc.querySelector(copy.dataset.copy).innerText).then(function () {
        copy.classList.add('btn--done'); copy.setAttribute('aria-pressed', 'true');
      });
    }
    var help = target.closest('[data-keys-help]');
    if (help) { event.preventDefault(); closeMenus(); sheet(); }
  });

  /* The theme changes at once; the server keeps the choice. */
  doc.addEventListener('submit', function (event) {
    var form = event.target;
    if (!form.matches('[data-theme-form]') || !window.fetch) return;
    event.preventDefault();
    var dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    var theme = dark ? 'light' : 'dark', body = new FormData();
    root.dataset.theme = theme;
    body.set('theme', theme);
    fetch(form.action, { method: 'POST', body: body, headers: { 'X-CSRFToken': token(), 'X-Requested-With': 'fetch' } });
  });

  /* Keys */
  function sheet() { var keys = doc.getElementById('keys'); if (keys && !keys.open) keys.showModal(); }
  function typing(target) {
    return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) &&
      !/^(checkbox|radio|button|submit|reset|file)$/.test(target.type);
  }
  function singleKeys() { return doc.body.dataset.keys !== 'off'; }
  var going = 0;
  doc.addEventListener('keydown', function (event) {
    if (event.defaultPrevented || event.isComposing) return;
    if (event.key === 'Escape') { if (closeMenus()) event.preventDefault(); else if (typing(event.target)) event.target.blur(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || !singleKeys()) return;
    if (doc.querySelector('dialog[open]')) return;
    var key = event.key.toLowerCase();
    if (Date.now() - going < 1500) {
      going = 0;
      event.preventDefault();
      var place = { i: 'inbox', c: 'cases', b: 'callbacks', u: 'customers', p: 'procedures' }[key];
      var link = place && doc.querySelector('[data-place="' + place + '"]');
      if (link) location.href = link.href;
      return;
    }
    if (key === 'g') { going = Date.now(); event.preventDefault(); }
    else if (event.key === '?') { event.preventDefault(); sheet(); }
    else if (event.key === '/') {
      var search = doc.querySelector('[data-search-here]') || doc.querySelector('[data-search]');
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    }
  });

  /* A refused form: the summary of errors takes the focus. */
  function focusErrors() { var summary = doc.querySelector('[data-error-summary]'); if (summary) summary.focus(); }
  focusErrors();

  window.desk = { token: token, say: say, typing: typing, singleKeys: singleKeys, urgent: urgent, focusErrors: focusErrors, each: each, going: function () { return Date.now() - going < 1500; } };
})();
