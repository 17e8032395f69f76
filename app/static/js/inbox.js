/* The inbox: keys, drafts that save themselves, several at once, numbers that stay true. */
(function () {
  'use strict';
  var doc = document, desk = window.desk, main = doc.querySelector('[data-inbox]');
  if (!main || !desk) return;
  var list = doc.getElementById('list'), narrow = window.matchMedia('(max-width: 900px)');

  function work() { return doc.getElementById('work'); }
  function rows() { return Array.prototype.slice.call(list.querySelectorAll('[data-item]')); }
  function openId() { return work() ? work().dataset.work : undefined; }
  function rowOf(element) { return element && element.closest ? element.closest('[data-item]') : null; }
  function link(row) { return row.querySelector('[data-open]'); }

  desk.urgent(main.dataset.urgentNow);

  /* ---- which row is open, which has the cursor ---- */
  function markOpen() {
    var id = openId();
    rows().forEach(function (row) {
      var on = row.dataset.item === id;
      row.classList.toggle('item--on', on);
      if (on) link(row).setAttribute('aria-current', 'true'); else link(row).removeAttribute('aria-current');
    });
    main.classList.toggle('inbox--work', !!id);
  }
  function cursor() {
    var row = rowOf(doc.activeElement);
    return row || list.querySelector('.item--on') || null;
  }
  function move(step) {
    var all = rows(), at = all.indexOf(cursor());
    var next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step];
    if (next) { link(next).focus({ preventScroll: true }); next.scrollIntoView({ block: 'nearest' }); }
    else if (step > 0 && list.querySelector('.more a')) list.querySelector('.more a').focus();
  }
  function back() {
    var id = openId(), row = id && list.querySelector('[data-item="' + id + '"]');
    main.classList.remove('inbox--work');
    if (row) link(row).focus(); else list.focus();
    if (narrow.matches) history.replaceState(null, '', main.dataset.listUrl.replace('/inbox/list', '/inbox'));
  }

  /* ---- after htmx brought a pane ---- */
  doc.addEventListener('htmx:before:request', function (event) {
    var element = event.detail.ctx.sourceElement;
    if (!element || !element.closest) return;
    opening = element.matches('[data-open]') ? element : null;
    var form = element.closest('#work-form');
    if (form) { clearTimeout(saving); sending = true; busy(true); }
    else flush();
  });
  doc.addEventListener('htmx:finally:request', function () { sending = false; opening = null; busy(false); });
  doc.addEventListener('htmx:error', function () { sending = false; busy(false); });
  doc.addEventListener('htmx:after:swap', function (event) {
    var ctx = event.detail.ctx, pane = work();
    if (!ctx || !pane || !ctx.sourceElement || ctx.sourceElement.closest && ctx.sourceElement.closest('.more')) return;
    if (pane !== shown) paneArrived(pane, ctx.sourceElement);
  });
  /* A claim pressed while the pane is on its way waits for it: two answers for one pane would cross. */
  var shown = work(), opening = null, claimNext = false;
  function paneArrived(pane, source) {
    shown = pane;
    markOpen();
    var words = pane.querySelector('[data-say]');
    if (words) desk.say(words.dataset.say);
    if (pane.querySelector('[data-error-summary]')) { desk.focusErrors(); return; }
    /* Opened from the list the cursor stays there for J and K; after a verb it goes on to the next task. */
    if (!rowOf(source) || narrow.matches) pane.focus({ preventScroll: true });
    var row = openId() && list.querySelector('[data-item="' + openId() + '"]');
    if (row) row.scrollIntoView({ block: 'nearest' });
    if (claimNext) { claimNext = false; press('[data-key=c]'); }
  }
  function busy(on) {
    var button = doc.querySelector('[data-submit]');
    if (button) { if (on) button.setAttribute('aria-disabled', 'true'); else button.removeAttribute('aria-disabled'); }
  }
  doc.body.addEventListener('inbox-changed', function () { refresh(true); });

  /* ---- drafts ---- */
  var saving = 0, dirty = null, sending = false;
  function draftForm(target) { var form = target.closest && target.closest('#work-form'); return form && form.dataset.draft ? form : null; }
  function save(form) {
    dirty = null;
    var body = new FormData();
    new FormData(form).forEach(function (value, name) { if (typeof value === 'string') body.append(name, value); });
    return fetch(form.dataset.draft, { method: 'POST', body: body, keepalive: true, headers: { 'X-CSRFToken': desk.token(), 'X-Requested-With': 'fetch' } })
      .then(function (response) { if (!response.ok) throw new Error(response.status); return response.json(); })
      .then(function (told) { var place = doc.getElementById('saved'); if (place && doc.contains(form)) place.textContent = told.saved; })
      .catch(function () { if (doc.contains(form) && !sending) { dirty = form; clearTimeout(saving); saving = setTimeout(flush, 10000); } });
  }
  function flush() { if (dirty && doc.contains(dirty) && !sending) { clearTimeout(saving); save(dirty); } }
  function typed(event) {
    var form = draftForm(event.target);
    if (!form || event.target.type === 'file') return;
    dirty = form;
    clearTimeout(saving);
    saving = setTimeout(flush, 900);
  }
  doc.addEventListener('input', typed);
  doc.addEventListener('change', typed);
  window.addEventListener('pagehide', flush);
  doc.addEventListener('visibilitychange', function () { if (doc.hidden) flush(); });

  /* ---- numbers that stay true ---- */
  var asked = Date.now(), asking = false;
  function refresh(withList) {
    if (asking) return;
    asking = true; asked = Date.now();
    fetch(main.dataset.countsUrl, { headers: { 'X-Requested-With': 'fetch' } }).then(function (response) {
      if (!response.ok) throw new Error(response.status);
      return response.json();
    }).then(function (told) {
      desk.each('[data-count]', function (place) {
        var n = told.counts[place.dataset.count] || 0;
        if (place.textContent !== String(n)) place.textContent = n;
        if (place.hasAttribute('data-hot')) place.classList.toggle('nav__n--hot', n > 0);
      });
      desk.each('[data-total]', function (place) { place.textContent = told.total; });
      desk.urgent(told.urgent);
      /* Ticked rows are not taken away under somebody's hand. */
      if ((withList || told.stamp !== main.dataset.stamp) && !ticked().length) {
        main.dataset.stamp = told.stamp;
        reload();
      }
    }).catch(function () {}).then(function () { asking = false; });
  }
  function reload() {
    var focused = rowOf(doc.activeElement), id = focused && focused.dataset.item, url = main.dataset.listUrl;
    url += (url.indexOf('?') < 0 ? '?' : '&') + 'open=' + (openId() || '');
    fetch(url, { headers: { 'HX-Request': 'true' } }).then(function (response) { return response.ok ? response.text() : null; }).then(function (html) {
      if (html === null) return;
      var top = list.scrollTop;
      list.innerHTML = html;
      if (window.htmx) window.htmx.process(list);
      list.scrollTop = top;
      var again = id && list.querySelector('[data-item="' + id + '"]');
      if (again) link(again).focus({ preventScroll: true });
      markOpen();
    });
  }
  setInterval(function () { if (!doc.hidden && Date.now() - asked > 15000) refresh(false); }, 1000);
  doc.addEventListener('visibilitychange', function () { if (!doc.hidden && Date.now() - asked > 5000) refresh(false); });

  /* ---- several at once ---- */
  var bulk = doc.querySelector('[data-bulk]'), lastTick = null;
  function ticked() { return Array.prototype.slice.call(list.querySelectorAll('.item__check:checked')); }
  function countTicks() {
    var n = ticked().length, words = bulk.querySelector('[data-bulk-words]');
    bulk.hidden = !n;
    list.classList.toggle('bulk-on', n > 0);
    words.textContent = words.dataset.words.replace('{n}', n);
  }
  function tick(row, range) {
    var all = rows(), box = row.querySelector('.item__check');
    if (range && lastTick && all.indexOf(lastTick) >= 0) {
      var ends = [all.indexOf(lastTick), all.indexOf(row)].sort(function (a, b) { return a - b; });
      all.slice(ends[0], ends[1] + 1).forEach(function (one) { one.querySelector('.item__check').checked = true; });
    } else box.checked = !box.checked;
    lastTick = row; countTicks();
  }
  list.addEventListener('change', function (event) {
    if (event.target.matches('.item__check')) { lastTick = rowOf(event.target); countTicks(); }
  });
  bulk.addEventListener('toggle', function (event) {
    if (!event.target.open || !event.target.matches('[data-bulk-assign]')) return;
    var query = ticked().map(function (box) { return 'item=' + box.value; }).join('&');
    fetch(bulk.dataset.peopleUrl + '?' + query).then(function (response) { return response.text(); }).then(function (html) {
      bulk.querySelector('[data-people]').innerHTML = html;
      var select = bulk.querySelector('select'); if (select) select.focus();
    });
  }, true);
  function clearTicks() { ticked().forEach(function (box) { box.checked = false; }); countTicks(); }

  /* ---- clicks ---- */
  doc.addEventListener('click', function (event) {
    var target = event.target;
    if (target.closest('[data-back]') && narrow.matches) { event.preventDefault(); back(); }
    if (target.closest('[data-bulk-clear]')) clearTicks();
    var filters = target.closest('[data-filters]');
    if (filters) { event.preventDefault(); main.classList.toggle('inbox--filters'); if (main.classList.contains('inbox--filters')) doc.querySelector('#filters a').focus(); }
    else if (main.classList.contains('inbox--filters') && !target.closest('#filters')) main.classList.remove('inbox--filters');
    var more = target.closest('[data-more]');
    if (more) {
      var open = more.closest('.actions').classList.toggle('actions--open');
      more.setAttribute('aria-expanded', open ? 'true' : 'false');
    }
  });
  doc.addEventListener('submit', function (event) {
    if (!event.target.matches('[data-density-form]')) return;
    event.preventDefault();
    var compact = doc.documentElement.dataset.density !== 'compact', body = new FormData();
    if (compact) doc.documentElement.dataset.density = 'compact'; else delete doc.documentElement.dataset.density;
    body.set('density', compact ? 'compact' : 'comfortable');
    event.target.querySelector('button').setAttribute('aria-pressed', compact ? 'true' : 'false');
    fetch(event.target.action, { method: 'POST', body: body, headers: { 'X-CSRFToken': desk.token(), 'X-Requested-With': 'fetch' } });
  });

  /* ---- keys ---- */
  function press(selector) { var button = work() && work().querySelector(selector); if (button) button.click(); return !!button; }
  function popup(key) {
    var box = work() && work().querySelector('[data-popup="' + key + '"]');
    if (!box) return false;
    if (narrow.matches) box.closest('.actions').classList.add('actions--open');
    box.open = true;
    var field = box.querySelector('select, textarea, input:not([type=hidden])');
    if (field) field.focus();
    return true;
  }
  function verb(row, name) {
    window.htmx.ajax('POST', link(row).getAttribute('href').replace(/^(\/inbox\/\d+)/, '$1/' + name), { source: link(row), target: '#work', swap: 'outerHTML' });
  }
  function here() { var row = rowOf(doc.activeElement); return row && row.dataset.item !== openId() ? row : null; }
  var keys = {
    j: function () { move(1); }, k: function () { move(-1); },
    x: function (event) { var row = cursor(); if (row) tick(row, event.shiftKey); },
    c: function () { if (ticked().length) bulk.querySelector('[value=claim]').click(); else if (opening) claimNext = true; else if (here()) verb(here(), 'claim'); else press('[data-key=c]'); },
    u: function () { if (ticked().length) bulk.querySelector('[value=release]').click(); else press('[data-key=u]'); },
    a: function () { if (ticked().length) bulk.querySelector('[data-bulk-assign]').open = true; else popup('a'); },
    m: function () { popup('m'); },
    w: function () { popup('w'); },
    n: function () { var form = doc.getElementById('claim-next'); if (form) form.requestSubmit ? form.requestSubmit() : form.submit(); }
  };
  doc.addEventListener('keydown', function (event) {
    if (event.isComposing) return;
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      var box = event.target.closest && event.target.closest('.ask__box');
      var form = box && box.tagName === 'FORM' ? box : doc.getElementById('work-form');
      if (form && form.requestSubmit && !(form.id === 'work-form' && !doc.querySelector('[data-submit]'))) { event.preventDefault(); form.requestSubmit(); }
      return;
    }
    if (event.key === 'Escape') {
      if (doc.querySelector('dialog[open]')) return;
      if (event.target.closest && event.target.closest('details[open]')) return;
      if (ticked().length && !desk.typing(event.target)) { clearTicks(); return; }
      if (main.classList.contains('inbox--filters')) { main.classList.remove('inbox--filters'); return; }
      if (!desk.typing(event.target)) back();
      return;
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || desk.going()) return;
    if (desk.typing(event.target) || !desk.singleKeys() || doc.querySelector('dialog[open]')) return;
    var act = keys[event.key.toLowerCase()];
    if (act) { event.preventDefault(); act(event); }
  });
})();
