/* The builder of forms: fields as cards over the JSON Schema, which is changed in place so that nothing else of it is lost. */
(function () {
  'use strict';
  var keep = window.deskKeep, doc = document, place = doc.querySelector('[data-fields]');
  if (!keep || !place) return;
  var main = doc.querySelector('[data-designer]'), described = JSON.parse(doc.querySelector('[data-form-words]').textContent), words = described.words;
  var raw = doc.querySelector('[data-raw]'), text = raw.querySelector('textarea'), said = doc.querySelector('[data-raw-said]'), frame = doc.querySelector('[data-frame]');
  var readonly = keep.setup.readonly, original = '', schema = null, indent = 2, past = [], opened = {}, make = keep.element, scope = '', drawing = 0, typed = false, mode = 'fields';
  var undo = doc.querySelector('[data-act="undo"]');

  /* Unchanged, it is the file as it was, byte by byte. */
  function written() {
    if (mode === 'raw') return text.value;
    try { if (JSON.stringify(JSON.parse(original)) === JSON.stringify(schema)) return original; } catch (error) { /* it was no JSON */ }
    return JSON.stringify(schema, null, indent) + '\n';
  }
  function changed(again) {
    keep.touch(function () { return Promise.resolve(written()); });
    undo.disabled = !past.length;
    if (!again) return;
    /* What was typed is told when the next field is entered: that one must not be drawn anew under the hand. */
    if (typed) { clearTimeout(drawing); drawing = setTimeout(draw); } else draw();
  }
  function heard(fn) { typed = true; try { fn(); } finally { typed = false; } }
  function before() { past.push(JSON.stringify(schema)); if (past.length > 100) past.shift(); }
  function edit(fn, again) { before(); fn(); changed(again); }
  function fields() { return schema.properties || (schema.properties = {}); }
  function reorder(names) {
    var old = fields(), next = {};
    names.forEach(function (name) { next[name] = old[name]; });
    schema.properties = next;
  }
  function english(zh, value) {
    var map = schema['x-en'] || {};
    if (value === undefined) return map[zh] || '';
    if (value && zh) map[zh] = value; else delete map[zh];
    if (Object.keys(map).length) schema['x-en'] = map; else delete schema['x-en'];
  }
  function set(target, key, value) { if (value === '' || value === undefined || value === null) delete target[key]; else target[key] = value; }
  /* A Chinese text keeps its English when it is reworded. */
  function reword(target, key, value) {
    var old = target[key], en = old ? english(old) : '';
    set(target, key, value);
    if (en) { english(old, ''); if (value) english(value, en); }
  }

  function row(label, input, help) {
    var box = make('div', 'field'), head = make('label', 'field__label', label), id = 'fb-' + scope + '-' + label.replace(/\s+/g, '_');
    input.id = id; head.htmlFor = id;
    if (readonly) input.disabled = true;
    box.append(head, input);
    if (help) { var told = make('span', 'field__help', help); told.id = id + '-h'; input.setAttribute('aria-describedby', told.id); box.append(told); }
    return box;
  }
  function entry(label, value, fn, help, more) {
    var input = make(more && more.rows ? 'textarea' : 'input', (more && more.rows ? 'area' : 'input') + (more && more.mono ? ' mono' : ''));
    if (more && more.rows) input.rows = more.rows;
    if (more && more.list) input.setAttribute('list', more.list);
    input.value = value === undefined ? '' : value; input.autocomplete = 'off';
    if (more && more.hint) input.placeholder = more.hint;
    var was = input.value;
    function tell() {
      if (input.value === was) return;
      was = input.value;
      heard(function () { fn(input.value.trim(), input); });
    }
    input.addEventListener('change', tell);
    /* What draw() carries over makes no change of its own. */
    input.addEventListener('blur', function () { if (input.isConnected) tell(); });
    return row(label, input, help);
  }
  function choice(label, options, value, fn, none, help) {
    var input = make('select', 'select');
    if (none) input.append(new Option(none, ''));
    options.forEach(function (one) { input.append(new Option(one.label, one.value, false, one.value === value)); });
    input.value = value || '';
    input.addEventListener('change', function () { heard(function () { fn(input.value); }); });
    return row(label, input, help);
  }
  function tick(label, value, fn) {
    var box = make('label', 'check sm'), input = make('input');
    input.type = 'checkbox'; input.checked = !!value; input.disabled = readonly;
    input.addEventListener('change', function () { heard(function () { fn(input.checked); }); });
    box.append(input, make('span', '', label));
    return box;
  }
  function pair(first, second) { var box = make('div', 'fb__pair'); box.append(first, second); return box; }
  function both(target, key, zh, en) {
    return pair(
      entry(zh, target[key], function (value) { edit(function () { reword(target, key, value); }, key === 'title'); }),
      entry(en, english(target[key] || ''), function (value) { edit(function () { english(target[key] || '', value); }); }, '', { hint: described.english[target[key]] })
    );
  }

  /* ---- one field */
  function widgetOf(field) {
    if (field['x-widget']) return field['x-widget'];
    if (field.format === 'date' || field.format === 'phone') return field.format;
    if (field.format === 'date-time') return 'datetime';
    var usual = { boolean: 'yesno', integer: 'number', number: 'number', array: 'checklist' }[field.type];
    return usual || (field.oneOf || field['enum'] || field['x-options-from'] ? 'select' : (field.maxLength || 0) > 300 ? 'textarea' : 'text');
  }
  function holder(field) { return field.type === 'array' ? field.items || (field.items = {}) : field; }
  function choices(field) {
    var inner = holder(field);
    if (inner.oneOf) return inner.oneOf.map(function (one) { var en = english(one.title || ''); return one['const'] + ' = ' + (one.title === undefined ? one['const'] : one.title) + (en ? ' = ' + en : ''); }).join('\n');
    return (inner['enum'] || []).map(function (one) { var en = english(one); return one + (en ? ' = ' + one + ' = ' + en : ''); }).join('\n');
  }
  function setChoices(field, value) {
    var inner = holder(field), known = {}, lines = value.split('\n').map(function (line) { return line.split('=').map(function (part) { return part.trim(); }); }).filter(function (parts) { return parts[0]; });
    (inner.oneOf || []).forEach(function (one) { known[one['const']] = one; });
    var plain = lines.every(function (parts) { return parts.length === 1 || parts[1] === parts[0]; });
    delete inner['enum']; delete inner.oneOf;
    if (plain && lines.length) inner['enum'] = lines.map(function (parts) { return parts[0]; });
    else if (lines.length) inner.oneOf = lines.map(function (parts) {
      var number = field.type === 'integer' || field.type === 'number', one = known[parts[0]] || { 'const': number ? Number(parts[0]) : parts[0] };
      one.title = parts[1] || parts[0];
      return one;
    });
    lines.forEach(function (parts) { if (parts[2]) english(parts[1] || parts[0], parts[2]); });
  }
  function become(field, widget) {
    var start = described.starts[widget], kept = {}, chosen = holder(field), some = { oneOf: chosen.oneOf, 'enum': chosen['enum'] };
    Object.keys(field).forEach(function (key) { if (!/^(type|format|maxLength|minLength|minimum|maximum|items|pattern|oneOf|enum|x-options-from)$/.test(key)) kept[key] = field[key]; delete field[key]; });
    Object.assign(field, JSON.parse(JSON.stringify(start)), kept, { 'x-widget': widget });
    if (/select|radio|checklist/.test(widget)) {
      var inner = holder(field);
      if (some.oneOf) inner.oneOf = some.oneOf; else inner['enum'] = some['enum'] || ['甲', '乙'];
    }
  }
  function condition(field) {
    var when = field['x-when'];
    if (!when) return '';
    if (!when.field) return null;
    return when.field + ' = ' + ('equals' in when ? JSON.stringify(when.equals) : (when['in'] || []).map(function (one) { return JSON.stringify(one); }).join(', '));
  }
  function setCondition(field, value) {
    var at = value.indexOf('=');
    if (at < 0) { delete field['x-when']; return; }
    function read(part) { try { return JSON.parse(part); } catch (error) { return part.trim(); } }
    var some = value.slice(at + 1).split(',').map(function (part) { return read(part.trim()); }), name = value.slice(0, at).trim();
    field['x-when'] = some.length > 1 ? { field: name, 'in': some } : { field: name, equals: some[0] };
  }
  function rename(name, next, input) {
    if (next === name) return;
    if (!/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(next) || next in fields()) { input.value = name; window.desk.say(words.name_taken); return; }
    edit(function () {
      var old = fields(), all = {};
      Object.keys(old).forEach(function (one) { all[one === name ? next : one] = old[one]; });
      schema.properties = all;
      schema.required = (schema.required || []).map(function (one) { return one === name ? next : one; });
      Object.keys(all).forEach(function (one) { if (all[one]['x-when'] && all[one]['x-when'].field === name) all[one]['x-when'].field = next; });
      opened[next] = true;
    }, true);
  }
  function button(icon, label, fn, off) {
    var one = make('button', 'btn btn--quiet btn--icon btn--sm');
    one.type = 'button'; one.title = label; one.setAttribute('aria-label', label); one.disabled = off || readonly;
    one.append(keep.icon(icon));
    one.addEventListener('click', function (event) { event.preventDefault(); fn(); });
    return one;
  }
  function card(name, index, names) {
    var field = fields()[name], widget = widgetOf(field), box = make('details', 'fb__card'), head = make('summary', 'fb__head'), body = make('div', 'fb__body');
    var kind = described.widgets.filter(function (one) { return one.value === widget; })[0], required = (schema.required || []).indexOf(name) >= 0;
    var title = make('span', 'grow');
    title.append(make('span', 'strong', field.title || name), make('span', 'xs faint block', (kind ? kind.label : widget) + ' · ' + name + (required ? ' · ' + words.required : '')));
    function move(by) {
      edit(function () { var next = names.slice(); next.splice(index, 1); next.splice(index + by, 0, name); reorder(next); }, true);
    }
    head.append(title);
    var does = make('span', 'row fb__does');
    does.append(button('up', words.up, function () { move(-1); }, !index), button('down', words.down, function () { move(1); }, index === names.length - 1),
      button('trash', words.remove, function () { edit(function () { delete fields()[name]; schema.required = (schema.required || []).filter(function (one) { return one !== name; }); }, true); }));
    scope = index;
    box.dataset.field = name; box.open = !!opened[name];
    box.addEventListener('toggle', function () { if (box.isConnected) opened[name] = box.open; });
    body.append(both(field, 'title', words.label, words.label_en));
    body.append(pair(
      choice(words.widget, described.widgets, widget, function (value) { edit(function () { become(field, value); }, true); }),
      entry(words.name, name, function (value, input) { rename(name, value, input); }, words.name_help, { mono: true })
    ));
    body.append(tick(words.required, required, function (on) {
      edit(function () { var some = (schema.required || []).filter(function (one) { return one !== name; }); if (on) some.push(name); schema.required = some; }, true);
    }));
    if (/select|radio|checklist/.test(widget)) {
      body.append(choice(words.source, described.sources, field['x-options-from'], function (value) { edit(function () { set(field, 'x-options-from', value); if (value) { delete holder(field).oneOf; delete holder(field)['enum']; } }, true); }, words.here));
      if (!field['x-options-from']) body.append(entry(words.options, choices(field), function (value) { edit(function () { setChoices(field, value); }, true); }, words.options_help, { rows: 4, mono: true }));
    }
    if (/text/.test(widget)) body.append(entry(words.maximum, field.maxLength, function (value) { edit(function () { set(field, 'maxLength', value ? Number(value) : ''); }); }));
    body.append(both(field, 'x-help', words.field_help, words.field_help_en));
    body.append(pair(
      entry(words.bind, field['x-bind'], function (value) { edit(function () { set(field, 'x-bind', value); }); }, words.bind_help, { mono: true, list: 'fb-binds' }),
      condition(field) === null ? row(words.when, Object.assign(make('input', 'input'), { value: JSON.stringify(field['x-when']), readOnly: true }), words.complex)
        : entry(words.when, condition(field), function (value) { edit(function () { setCondition(field, value); }); }, words.when_help, { mono: true })
    ));
    if (field['x-bind']) body.append(tick(words.process, field['x-process'], function (on) { edit(function () { set(field, 'x-process', on || undefined); }); }));
    box.append(head, body);
    var whole = make('div', 'fb__item');
    whole.append(box, does);
    return whole;
  }
  function context() {
    return (schema['x-context'] || []).map(function (one) { return typeof one === 'string' ? one : one.path + (one.title ? ' = ' + one.title : ''); }).join('\n');
  }
  function draw() {
    clearTimeout(drawing);
    var active = doc.activeElement, at = active && place.contains(active) ? active.id : '', begun = at && active.value;
    var picked = at && /^(INPUT|TEXTAREA)$/.test(active.tagName) && active.type !== 'checkbox' ? [active.selectionStart, active.selectionEnd] : null;
    scope = 'form';
    place.textContent = '';
    var head = make('details', 'fb__card'), body = make('div', 'fb__body'), top = make('summary', 'fb__head');
    head.open = !!opened[''];
    head.addEventListener('toggle', function () { if (head.isConnected) opened[''] = head.open; });
    top.append(make('span', 'strong', words.form), make('span', 'xs faint', schema.title || ''));
    body.append(both(schema, 'title', words.title, words.title_en), both(schema, 'x-submit', words.submit, words.submit_en), both(schema, 'x-help', words.help, words.help_en));
    body.append(entry(words.context, context(), function (value) {
      edit(function () {
        var lines = value.split('\n').map(function (line) { return line.trim(); }).filter(Boolean).map(function (line) {
          var parts = line.split('=');
          return parts[1] ? { path: parts[0].trim(), title: parts.slice(1).join('=').trim() } : line;
        });
        set(schema, 'x-context', lines.length ? lines : '');
      });
    }, words.context_help, { rows: 3, mono: true }));
    head.append(top, body);
    place.append(head);
    var names = Object.keys(fields());
    names.forEach(function (name, index) { place.append(card(name, index, names)); });
    if (!readonly) {
      var add = make('button', 'btn', words.add);
      add.type = 'button'; add.dataset.add = ''; add.prepend(keep.icon('plus'));
      add.addEventListener('click', function () {
        var number = names.length + 1;
        while ('question_' + number in fields()) number++;
        edit(function () { fields()['question_' + number] = { type: 'string', title: words['new'], 'x-widget': 'text', maxLength: 200 }; opened['question_' + number] = true; }, true);
        var made = place.querySelector('[data-field="question_' + number + '"] input');
        if (made) { made.focus(); made.select(); }
      });
      place.append(add);
    }
    var list = make('datalist');
    list.id = 'fb-binds';
    described.binds.forEach(function (one) { list.append(new Option(one, one)); });
    place.append(list);
    var next = at && doc.getElementById(at);
    if (next) {
      next.focus();
      if (picked) { next.value = begun; next.setSelectionRange(picked[0], picked[1]); }
    }
  }

  /* ---- modes, preview */
  function read(content) {
    var made = JSON.parse(content);
    if (!made || typeof made !== 'object' || Array.isArray(made)) throw new Error('{}');
    return made;
  }
  function show(next) {
    if (next === 'fields') {
      try { schema = read(mode === 'raw' ? text.value : written()); } catch (error) { complain(error); return; }
      draw();
    } else { text.value = schema ? written() : original; complain(null); }
    mode = next;
    place.hidden = next !== 'fields'; raw.hidden = next !== 'raw'; undo.hidden = next === 'raw';
    window.desk.each('[data-mode]', function (one) { one.setAttribute('aria-pressed', one.dataset.mode === next); });
  }
  function complain(error) {
    said.hidden = !error;
    said.textContent = error ? keep.say(words.bad, { why: error.message }) : '';
  }
  text.addEventListener('input', function () {
    try { read(text.value); complain(null); } catch (error) { complain(error); }
    keep.touch(function () { return Promise.resolve(written()); });
  });
  main.addEventListener('click', function (event) {
    var one = event.target.closest('[data-mode], [data-lang], [data-width], [data-act="undo"]');
    if (!one) return;
    if (one.dataset.mode) show(one.dataset.mode);
    else if (one.dataset.act) { if (past.length) { schema = JSON.parse(past.pop()); changed(true); } }
    else {
      window.desk.each(one.dataset.lang ? '[data-lang]' : '[data-width]', function (other) { other.setAttribute('aria-pressed', other === one); });
      if (one.dataset.width) main.classList.toggle('dz--wide', one.dataset.width === 'desk');
      else refresh();
    }
  });
  doc.addEventListener('keydown', function (event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 's') { event.preventDefault(); keep.flush(); }
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'z' && mode === 'fields' && !window.desk.typing(event.target)) { event.preventDefault(); undo.click(); }
  });
  function refresh() {
    var lang = doc.querySelector('[data-lang][aria-pressed="true"]').dataset.lang;
    frame.src = keep.setup.preview + '?lang=' + lang;
  }
  keep.hear(refresh);
  keep.onJump(function (one) {
    opened[one.element] = true;
    if (mode === 'fields') draw();
    var found = place.querySelector('[data-field="' + CSS.escape(one.element) + '"]');
    if (found) { found.scrollIntoView({ block: 'center' }); found.querySelector('summary').focus(); }
  });
  keep.load().then(function (content) {
    original = content;
    var spaces = /\n( +|\t)"/.exec(content);
    if (spaces) indent = spaces[1];
    try { schema = read(content); draw(); } catch (error) { mode = 'raw'; schema = null; show('raw'); complain(error); }
    if (readonly) text.disabled = true;
    main.dataset.ready = 'yes';
  }).catch(function (error) { keep.broken(error.message); });
})();
