/* The properties panel: drawn from what the server describes, each value checked while one types. */
(function () {
  'use strict';
  window.deskPanel = function (place, model, keep, readonly) {
    var described = keep.setup.panel, words = keep.words, make = keep.element, shown = null, opened = {}, own = false, serial = 0;

    function applies(field, element) {
      var type = model.typeOf(element);
      if (field.on[0] !== '*' && field.on.indexOf(type) < 0) return false;
      if (field.event && model.eventOf(element) !== field.event) return false;
      if (field.loop && model.loopOf(element) !== field.loop) return false;
      if (field.kind === 'loop' && !model.loopOf(element)) return false;
      if (field.kind === 'lane' && !model.lanes().length) return false;
      if (/^(condition|is_default)$/.test(field.key) && !/Gateway/.test(element.source ? element.source.type : '')) return false;
      return !(field.key === 'parameters' && !model.get(element, 'connector'));
    }
    function said(box, answer) {
      box.textContent = '';
      box.className = 'field__said field__said--' + answer.level;
      box.hidden = !answer.message;
      if (answer.message) box.append(keep.icon(answer.level === 'ok' ? 'check' : 'alert'), make('span', '', answer.message));
      box.parentNode.classList.toggle('field--bad', answer.level === 'error');
    }
    function checked(input, box, kind) {
      var timer = 0, asked = 0;
      function ask() {
        var mine = ++asked, text = input.value;
        if (!text.trim()) { said(box, { level: 'ok', message: '' }); return; }
        keep.check(kind(), text).then(function (answer) { if (mine === asked && box.isConnected) said(box, answer); }).catch(function () {});
      }
      input.addEventListener('input', function () { clearTimeout(timer); timer = setTimeout(ask, 250); });
      if (input.value) ask();
    }
    function write(element, key, value, again) {
      own = true;
      try { model.set(element, key, value); } finally { own = false; }
      if (again) render(element);
    }
    function choice(select, options, value, none) {
      var known = !value;
      if (none !== false) select.append(new Option(none || words.none, ''));
      options.forEach(function (one) {
        var on = one.value === value;
        known = known || on;
        select.append(new Option(one.label, one.value, on, on));
      });
      if (!known) select.append(new Option(keep.say(words.unknown, { name: value }), value, true, true));
    }
    function line(field, element) {
      var value = model.get(element, field.key), id = 'p-' + (++serial), box = make('div', 'field'), input, extra = null;
      if (field.kind === 'check') {
        var label = make('label', 'check sm');
        input = make('input'); input.type = 'checkbox'; input.checked = !!value;
        label.append(input, make('span', '', field.label));
        box.append(label);
        input.addEventListener('change', function () { write(element, field.key, input.checked, true); });
      } else {
        var head = make('label', 'field__label', field.label);
        head.htmlFor = id;
        box.append(head);
        if (/^(select|lane|flows)$/.test(field.kind)) {
          input = make('select', 'select');
          if (field.kind === 'lane') choice(input, model.lanes().map(function (lane) { return { value: lane.id, label: role(model.parentName(lane)) }; }), value);
          else if (field.kind === 'flows') choice(input, model.flowsOut(element).map(function (flow) { return { value: flow.id, label: (flow.businessObject.name || flow.id) + ' → ' + (flow.target.businessObject.name || flow.target.id) }; }), value);
          else choice(input, described.options[field.options], value, field.key === 'timer_kind' ? words.choose : undefined);
          input.addEventListener('change', function () { write(element, field.key, input.value, true); });
          if (field.kind === 'lane' && element.host) input.disabled = true;
          if (field.opens && value) extra = opener(field, value);
        } else {
          var many = /^(area|code)$/.test(field.kind);
          input = make(many ? 'textarea' : 'input', (many ? 'area' : 'input') + (/^(code|mono)$/.test(field.kind) ? ' mono' : ''));
          if (many) input.rows = /script|Script/.test(field.key) ? 4 : 2;
          input.value = value; input.spellcheck = field.kind === 'text' || field.kind === 'area'; input.autocomplete = 'off';
          input.addEventListener('change', function () { write(element, field.key, input.value.trim(), false); });
        }
        input.id = id;
        if (extra) { var row = make('div', 'row'); input.classList.add('grow'); row.append(input, extra); box.append(row); } else box.append(input);
      }
      input.dataset.key = field.key;
      if (readonly || !model.canSet(field.key)) input.disabled = true;
      if (field.check) {
        var told = make('div', 'field__said'); told.hidden = true; told.setAttribute('role', 'status');
        box.append(told);
        checked(input, told, function () { return field.check === 'timer' ? model.timerKind(element) || 'timeDuration' : field.check; });
      }
      if (field.help) {
        var help = make('span', 'field__help', field.help);
        help.id = id + '-help'; input.setAttribute('aria-describedby', help.id);
        box.append(help);
      }
      return box;
    }
    function role(name) {
      var found = described.options.roles.filter(function (one) { return one.value === name; })[0];
      return found ? found.label : name;
    }
    function opener(field, value) {
      var path = field.options === 'forms' ? value : keep.setup.homes[value];
      var leaf = path && document.querySelector('[data-leaf="' + CSS.escape(path) + '"]');
      if (!leaf) return null;
      var link = make('a', 'btn btn--icon');
      link.href = leaf.href; link.title = words.open; link.setAttribute('aria-label', words.open);
      link.append(keep.icon('edit'));
      return link;
    }
    function parameters(field, element) {
      var box = make('div', 'field'), connector = model.get(element, 'connector');
      var known = (described.connectors.filter(function (one) { return one.id === connector; })[0] || { parameters: [] }).parameters;
      var given = {}, names = known.map(function (one) { return one.id; });
      model.parameters(element).forEach(function (any) { given[any.id] = any; if (names.indexOf(any.id) < 0) known = known.concat([{ id: any.id, type: any.type }]); });
      box.append(make('span', 'field__label', field.label));
      known.forEach(function (one) {
        var part = make('div', 'dz__param field'), label = make('label', 'xs'), input = make('input', 'input mono'), told = make('div', 'field__said');
        input.id = 'p-' + (++serial); label.htmlFor = input.id; told.hidden = true;
        label.append(make('span', 'mono strong', one.id), ' ', make('span', 'faint', one.type + (one.required ? ' · ' + words.required : '')));
        input.value = given[one.id] ? given[one.id].value || '' : ''; input.autocomplete = 'off'; input.spellcheck = false;
        input.disabled = readonly; input.dataset.parameter = one.id;
        input.addEventListener('change', function () { own = true; try { model.setParameter(element, one.id, one.type || 'any', input.value.trim()); } finally { own = false; } });
        part.append(label, input, told);
        checked(input, told, function () { return 'condition'; });
        box.append(part);
      });
      if (field.help) box.append(make('span', 'field__help', field.help));
      return box;
    }
    function render(element, some) {
      var active = document.activeElement, key = place.contains(active) ? active.dataset.key : null, top = place.scrollTop;
      shown = element || null;
      place.textContent = '';
      if (!element) { place.append(make('p', 'dz__empty', some > 1 ? keep.say(words.several, { n: some }) : words.nothing)); return; }
      var what = make('div', 'dz__what'), type = model.typeOf(element), kind = make('span', 'xs faint', (described.types[type] || type) + ' · ');
      kind.append(make('span', 'mono', element.businessObject.id));
      what.append(kind, make('strong', '', model.get(element, 'name') || described.types[type] || type));
      place.append(what);
      described.groups.forEach(function (group) {
        var fields = group.fields.filter(function (field) { return applies(field, element); });
        if (!fields.length) return;
        var filled = fields.some(function (field) { return field.kind !== 'check' && field.kind !== 'parameters' && field.kind !== 'loop' && model.get(element, field.key); });
        var box = make('details', 'grp'), body = make('div');
        box.open = group.key in opened ? opened[group.key] : filled || /^(general|work|time|flow|does|messages)$/.test(group.key);
        box.dataset.group = group.key;
        box.addEventListener('toggle', function () { if (box.isConnected) opened[group.key] = box.open; });
        box.append(make('summary', '', group.label), body);
        fields.forEach(function (field) {
          if (field.kind === 'loop') body.append(make('span', 'field__help', field.help));
          else body.append(field.kind === 'parameters' ? parameters(field, element) : line(field, element));
        });
        place.append(box);
      });
      if (key) { var back = place.querySelector('[data-key="' + CSS.escape(key) + '"]'); if (back) back.focus(); }
      place.scrollTop = top;
    }
    return {
      show: render,
      /* What is typed here is not drawn anew under the typing fingers. */
      refresh: function (element) { if (!own && shown && element === shown) render(shown); },
      shown: function () { return shown; }
    };
  };
})();
