/* Every editor: what is loaded, kept by itself, refused when somebody else was first; problems; who else is here. */
(function () {
  'use strict';
  var doc = document, main = doc.querySelector('[data-designer]');
  if (!main) return;
  var setup = JSON.parse(doc.querySelector('[data-setup]').textContent), words = setup.panel.words;
  var status = main.querySelector('[data-status]'), conflict = main.querySelector('[data-conflict]');
  var WAIT = 800, AGAIN = 5000, PRESENT = 20000;
  var produce = null, timer = 0, running = null, stopped = setup.readonly, revision = setup.revision, held = '', listeners = [];

  function say(template, values) {
    return template.replace(/\{(\w+)\}/g, function (all, name) { return values && name in values ? values[name] : all; });
  }
  function state(name, text) { main.dataset.state = name; if (text) status.textContent = text; }
  function icon(name) { return main.querySelector('[data-icons]').content.querySelector('[data-icon="' + name + '"] svg').cloneNode(true); }
  function element(tag, cls, text) {
    var made = doc.createElement(tag);
    if (cls) made.className = cls;
    if (text !== undefined) made.textContent = text;
    return made;
  }
  function post(url, body, type) {
    var headers = { 'X-CSRFToken': window.desk.token(), 'Accept': 'application/json' };
    if (type) headers['Content-Type'] = type;
    return fetch(url, { method: 'POST', body: body, headers: headers, credentials: 'same-origin' });
  }
  function broken(why) {
    var note = main.querySelector('[data-broken]');
    note.querySelector('div').textContent = say(words.broken, { why: why });
    note.hidden = false; stopped = true; main.dataset.ready = 'broken';
  }

  /* ---- keeping */
  function touch(producer) {
    if (stopped) return;
    produce = producer;
    state('dirty', words.unsaved);
    clearTimeout(timer);
    timer = setTimeout(flush, WAIT);
  }
  function flush() {
    clearTimeout(timer);
    if (running) return running.then(flush);
    if (!produce || stopped) return Promise.resolve();
    var producer = produce;
    produce = null;
    state('saving', words.saving);
    running = producer().then(function (text) { return send(text, false); }).catch(function (error) {
      /* The line is down or the file cannot be written: what was drawn stays here. */
      produce = produce || producer;
      state('dirty', error && error.refused ? error.refused : words.offline);
      if (!error || !error.refused) timer = setTimeout(flush, AGAIN);
    }).then(function () { running = null; });
    return running;
  }
  function send(text, overwrite) {
    held = text;
    return post(setup.save + '?revision=' + revision + (overwrite ? '&overwrite=1' : ''), new Blob([text]), 'application/octet-stream')
      .then(function (answer) {
        return answer.json().catch(function () { return {}; }).then(function (said) {
          if (answer.status === 409 && said.revision) { clash(said); return; }
          if (!answer.ok) throw answer.status >= 500 ? new Error(answer.status) : { refused: say(words.refused, { why: said.message || answer.status }) };
          revision = said.revision;
          main.querySelector('[data-leaf="' + CSS.escape(setup.path) + '"] [data-dirty]').hidden = !said.changed;
          findings(said.findings, said.counts);
          mendable(said.mendable);
          if (!produce) state('saved', said.changed ? say(words.saved, { at: said.at }) : words.unchanged);
        });
      });
  }
  function clash(said) {
    stopped = true;
    state('conflict', words.unsaved);
    conflict.querySelector('[data-conflict-words]').textContent = said.message + (said.at ? ' (' + said.at + ')' : '');
    conflict.hidden = false;
    conflict.querySelector('[data-overwrite]').onclick = function () {
      conflict.hidden = true; stopped = false;
      (produce ? produce() : Promise.resolve(held)).then(function (text) { produce = null; return send(text, true); });
    };
    conflict.querySelector('[data-keep-copy]').onclick = function () {
      (produce ? produce() : Promise.resolve(held)).then(function (text) {
        return post(setup.copy, new Blob([text]), 'application/octet-stream');
      }).then(function (answer) { return answer.json(); }).then(function () {
        produce = null; state('left'); location.reload();
      });
    };
  }
  function load() {
    return fetch(setup.raw, { credentials: 'same-origin' }).then(function (answer) {
      if (!answer.ok) throw new Error(answer.status);
      return answer.text();
    });
  }
  function pending() { return !stopped && (produce || running); }

  /* Nobody leaves with something that is not kept yet. */
  addEventListener('beforeunload', function (event) { if (pending()) { flush(); event.preventDefault(); event.returnValue = ''; } });
  doc.addEventListener('click', function (event) {
    var link = event.target.closest('a[href]');
    if (!link || link.target || event.ctrlKey || event.metaKey || !pending()) return;
    event.preventDefault();
    flush().then(function () { if (!pending()) location.href = link.href; });
  });
  doc.addEventListener('visibilitychange', function () { if (doc.hidden) flush(); });

  /* ---- problems */
  var list = main.querySelector('[data-findings]'), shown = [], go = null;
  function findings(some, counts) {
    shown = some;
    list.textContent = '';
    some.forEach(function (one) {
      var row = element('li', 'find find--' + one.level), what = element('div'), how = element('div', 'muted');
      var mark = icon(one.level === 'error' ? 'x' : 'alert'), where = element('button', 'find__name', one.name || one.element || one.file);
      mark.removeAttribute('aria-hidden'); mark.setAttribute('role', 'img');
      mark.setAttribute('aria-label', one.level === 'error' ? words.error : words.warning);
      where.type = 'button';
      where.addEventListener('click', function () { jump(one); });
      what.append(where, ' ', element('span', 'mono xs faint', one.file === setup.path ? one.element : one.file), element('div', '', one.message));
      how.append(element('span', 'faint', words.remedy + ' '), one.remedy);
      if (one.why) how.append(element('div', 'xs faint', words.why + ' ' + one.why));
      row.append(mark, what, how, element('span', 'xs faint mono only-wide', one.rule));
      list.append(row);
    });
    if (!some.length) {
      var fine = element('li', 'find__ok');
      fine.append(icon('check'), words.clean);
      list.append(fine);
    }
    count('[data-count-errors]', counts.errors); count('[data-count-warnings]', counts.warnings);
    window.desk.each('[data-leaf]', function (leaf) {
      var badge = leaf.querySelector('[data-errors]'), n = counts.files[leaf.dataset.leaf] || 0;
      badge.textContent = n; badge.hidden = !n;
    });
    listeners.forEach(function (hear) { hear(some.filter(function (one) { return one.file === setup.path; })); });
  }
  function mendable(paths) {
    var link = main.querySelector('[data-mend]');
    if (!link) return;
    link.hidden = !paths.length;
    if (paths.length) link.href = setup.mend + (paths.indexOf(setup.path) < 0 ? paths[0] : setup.path);
  }
  function count(selector, n) { var badge = main.querySelector(selector); badge.textContent = n; badge.hidden = !n; }
  function jump(one) {
    if (one.file === setup.path) { if (go) go(one); return; }
    var leaf = main.querySelector('[data-leaf="' + CSS.escape(one.file) + '"]');
    if (leaf) flush().then(function () { location.href = leaf.href + '#' + encodeURIComponent(one.element); });
  }

  /* ---- who else is here */
  function present() {
    if (doc.hidden || setup.readonly) return;
    post(setup.present).then(function (answer) { return answer.ok ? answer.json() : null; }).then(function (said) {
      if (!said) return;
      var note = main.querySelector('[data-others]');
      note.hidden = !said.others.length;
      note.querySelector('div').textContent = say(words.others, {
        names: said.others.map(function (one) { return one.name + ' (' + one.at + ')'; }).join(' · ')
      });
      if (said.files[setup.path] > revision && !pending() && !stopped) {
        var link = element('a', '', words.reload);
        link.href = location.pathname;
        note.hidden = false;
        note.querySelector('div').append(' ', words.behind, ' ', link);
      }
    }).catch(function () {});
  }
  setInterval(present, PRESENT);
  present();

  var find = main.querySelector('[data-find-file]');
  find.addEventListener('input', function () {
    var wanted = find.value.trim().toLowerCase();
    window.desk.each('[data-leaf]', function (leaf) { leaf.hidden = (leaf.textContent + leaf.title).toLowerCase().indexOf(wanted) < 0; });
  });

  var counts = { errors: 0, warnings: 0, files: {} };
  setup.findings.forEach(function (one) {
    if (one.level !== 'error') { counts.warnings++; return; }
    counts.errors++; counts.files[one.file] = (counts.files[one.file] || 0) + 1;
  });
  window.deskKeep = {
    setup: setup, words: words, say: say, icon: icon, element: element, post: post, load: load, touch: touch, flush: flush,
    broken: broken, findings: function () { return shown.filter(function (one) { return one.file === setup.path; }); },
    hear: function (fn) { listeners.push(fn); }, onJump: function (fn) { go = fn; },
    check: function (kind, text) {
      return post(setup.check, JSON.stringify({ kind: kind, text: text }), 'application/json').then(function (answer) { return answer.json(); });
    }
  };
  findings(setup.findings, counts);
  state('saved');
})();
