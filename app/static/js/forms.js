/* Forms of forms/*.json: fields that come and go (data-when), chosen options, uploads, look-ups.
   Everything hangs on the document, so that forms brought in later work as well. No evaluation of text as code. */
(function () {
  'use strict';
  var doc = document;
  doc.documentElement.classList.add('js');

  function all(selector, within) { return Array.prototype.slice.call((within || doc).querySelectorAll(selector)); }
  function token() {
    var meta = doc.querySelector('meta[name="csrf-token"]');
    return meta ? meta.content : '';
  }

  /* ---- fields that come and go ---- */
  function control(field) { return Array.prototype.slice.call(field.querySelectorAll('input, select, textarea')); }
  function valuesOf(area, name) {
    var field = area.querySelector('[data-field="' + name + '"]');
    if (!field || field.hasAttribute('data-off')) return [''];
    var values = [];
    control(field).forEach(function (element) {
      if (element.name !== name || element.disabled) return;
      if (/^(radio|checkbox)$/.test(element.type) && !element.checked) return;
      if (element.type !== 'file') values.push(element.value.trim());
    });
    return values.length ? values : [''];
  }
  function holds(area, when) {
    if (when.all) return when.all.every(function (part) { return holds(area, part); });
    if (when.any) return when.any.some(function (part) { return holds(area, part); });
    var values = valuesOf(area, when.field);
    return when['in'].some(function (wanted) { return values.indexOf(wanted) >= 0; });
  }
  function look(area) {
    var fields = all('[data-when]', area), changed = true, rounds = 0;
    /* A field may depend on one that has just gone: look again until nothing moves. */
    while (changed && rounds++ < 10) {
      changed = false;
      fields.forEach(function (field) {
        var on = holds(area, JSON.parse(field.dataset.when));
        if (on === field.hasAttribute('data-off')) {
          field.toggleAttribute('data-off', !on);
          changed = true;
        }
        /* A hidden field is not sent; what was typed stays in it, should it come back. */
        control(field).forEach(function (element) { element.disabled = !on; });
      });
    }
  }
  function mark(area) {
    all('.option', area).forEach(function (option) {
      var input = option.querySelector('input');
      option.classList.toggle('option--on', !!(input && input.checked));
    });
  }
  function refresh(area) { mark(area); look(area); }

  function start(within) {
    var areas = all('[data-form]', within);
    if (within !== doc && within.matches && within.matches('[data-form]')) areas.push(within);
    areas.forEach(refresh);
  }
  function changed(event) {
    var area = event.target.closest && event.target.closest('[data-form]');
    if (area) refresh(area);
  }
  doc.addEventListener('input', changed);
  doc.addEventListener('change', changed);
  doc.addEventListener('reset', function (event) {
    setTimeout(function () { all('[data-form]', event.target).forEach(refresh); });
  });
  /* The link in the summary of errors leads into the field, not just to it. */
  doc.addEventListener('click', function (event) {
    var link = event.target.closest('[data-error-summary] a[href^="#"]');
    var aim = link && doc.getElementById(link.getAttribute('href').slice(1));
    if (!aim) return;
    event.preventDefault();
    var inner = aim.matches('fieldset') ? aim.querySelector('input') : aim;
    (inner || aim).focus();
    aim.scrollIntoView({ block: 'center' });
  });

  /* ---- uploads ---- */
  function sizeWords(size) {
    return size > 1048576 ? (size / 1048576).toFixed(1) + ' MB' : Math.max(1, Math.round(size / 1024)) + ' kB';
  }
  function piece(tag, cls, text) {
    var element = doc.createElement(tag);
    if (cls) element.className = cls;
    if (text) element.textContent = text;
    return element;
  }
  function chip(box, name, note) {
    var file = piece('span', 'file'), words = piece('span', 'grow');
    file.setAttribute('data-file', '');
    words.appendChild(piece('span', 'clip file__n', name));
    words.appendChild(piece('span', 'xs faint', note));
    file.appendChild(words);
    box.querySelector('[data-upload-list]').appendChild(file);
    return file;
  }
  function removable(box, file, name) {
    if (file.querySelector('[data-file-remove]')) return;
    var button = piece('button', 'btn btn--quiet btn--sm', box.dataset.remove);
    button.type = 'button';
    button.setAttribute('data-file-remove', '');
    button.setAttribute('aria-label', box.dataset.remove + ' ' + name);
    file.appendChild(button);
  }
  /* Files that could not be sent ahead stay in their input and go with the form. */
  var waiting = new WeakMap();
  function hold(input) {
    var list = new DataTransfer();
    (waiting.get(input) || []).forEach(function (file) { list.items.add(file); });
    input.files = list.files;
  }
  function send(box, input, file) {
    var subject = box.closest('[data-attach-to]'), shown = chip(box, file.name, box.dataset.sending), body = new FormData();
    function keep() {
      waiting.set(input, (waiting.get(input) || []).concat(file));
      hold(input);
      shown.querySelector('.faint').textContent = box.dataset.waiting;
      shown.waits = { input: input, file: file };
    }
    removable(box, shown, file.name);
    if (!subject) { keep(); return; }
    shown.classList.add('file--sending');
    body.append('file', file, file.name);
    fetch('/inbox/' + subject.dataset.attachTo + '/attach', {
      method: 'POST', body: body, credentials: 'same-origin',
      headers: { 'X-CSRFToken': token(), Accept: 'application/json', 'X-Requested-With': 'fetch' }
    }).then(function (response) {
      return response.json().catch(function () { return {}; }).then(function (told) {
        return { status: response.status, told: Array.isArray(told) ? told[0] || {} : told };
      });
    }).catch(function () { return { status: 0, told: {} }; }).then(function (answer) {
      shown.classList.remove('file--sending');
      if (answer.status === 413 || answer.status === 422) {
        shown.classList.add('file--failed');
        shown.querySelector('.faint').textContent = answer.told.detail || answer.told.message || box.dataset.refused;
      } else if (!answer.told.id) {
        keep();
      } else {
        var kept = piece('input');
        kept.type = 'hidden'; kept.name = box.dataset.name; kept.value = answer.told.id;
        shown.querySelector('.faint').textContent = sizeWords(answer.told.size || file.size);
        shown.appendChild(kept);
        kept.dispatchEvent(new Event('change', { bubbles: true }));
      }
    });
  }
  doc.addEventListener('change', function (event) {
    var input = event.target, box = input.closest && input.closest('[data-upload]');
    if (!box || input.type !== 'file' || !input.files.length || !window.fetch || !window.DataTransfer) return;
    var files = Array.prototype.slice.call(input.files);
    hold(input);
    files.forEach(function (file) { send(box, input, file); });
  });
  doc.addEventListener('click', function (event) {
    var button = event.target.closest('[data-file-remove]');
    if (!button) return;
    var box = button.closest('[data-upload]'), shown = button.closest('[data-file]'), waits = shown.waits;
    if (waits) {
      waiting.set(waits.input, waiting.get(waits.input).filter(function (file) { return file !== waits.file; }));
      hold(waits.input);
    }
    shown.remove();
    box.querySelector('input[type=file]').focus();
    box.dispatchEvent(new Event('change', { bubbles: true }));
  });
  function dressFiles(within) {
    all('[data-upload] [data-file]', within).forEach(function (file) {
      removable(file.closest('[data-upload]'), file, file.querySelector('.file__n').textContent);
    });
  }

  /* ---- look-ups: a combobox over /customers/lookup ---- */
  var timers = new WeakMap(), asked = 0;
  function listOf(box) { return box.querySelector('[role=listbox]'); }
  function textOf(box) { return box.querySelector('[data-lookup-text]'); }
  function close(box) {
    listOf(box).hidden = true;
    textOf(box).setAttribute('aria-expanded', 'false');
    textOf(box).removeAttribute('aria-activedescendant');
  }
  function activate(box, option) {
    all('[role=option]', box).forEach(function (other) { other.setAttribute('aria-selected', other === option ? 'true' : 'false'); });
    if (!option) return;
    textOf(box).setAttribute('aria-activedescendant', option.id);
    option.scrollIntoView({ block: 'nearest' });
  }
  function choose(box, option) {
    var kept = box.querySelector('[data-lookup-id]');
    kept.value = option.dataset.id;
    textOf(box).value = option.dataset.label;
    box.classList.add('seek--chosen');
    close(box);
    kept.dispatchEvent(new Event('change', { bubbles: true }));
  }
  function show(box, rows) {
    var list = listOf(box);
    list.textContent = '';
    rows.forEach(function (row, number) {
      var option = piece('li', 'seek__o', row.label);
      option.id = list.id + '-' + number;
      option.setAttribute('role', 'option');
      option.setAttribute('aria-selected', 'false');
      option.dataset.id = row.id; option.dataset.label = row.label;
      if (row.detail) option.appendChild(piece('small', '', row.detail));
      list.appendChild(option);
    });
    if (!rows.length) {
      var none = piece('li', 'seek__none', box.dataset.none);
      none.setAttribute('role', 'option'); none.setAttribute('aria-disabled', 'true');
      list.appendChild(none);
    }
    list.hidden = false;
    textOf(box).setAttribute('aria-expanded', 'true');
  }
  function words(parts, between) { return parts.filter(Boolean).join(between); }
  /* The look-up answers with customers and what they own; a form may ask for either. */
  function rowsOf(kind, customers) {
    if (kind === 'customer') {
      return customers.map(function (one) { return { id: one.id, label: one.name, detail: words([one.phone, one.company], ' · ') }; });
    }
    return [].concat.apply([], customers.map(function (one) {
      return (one.assets || []).map(function (thing) {
        var model = words([thing.make, thing.model], ' ');
        return { id: thing.id, label: thing.plate || model || thing.serial, detail: words([thing.plate && model, one.name], ' · ') };
      });
    }));
  }
  function ask(box) {
    var query = textOf(box).value.trim(), number = ++asked;
    if (query.length < 2) { close(box); return; }
    fetch(box.dataset.url + '?q=' + encodeURIComponent(query), {
      credentials: 'same-origin', headers: { Accept: 'application/json', 'X-Requested-With': 'fetch' }
    }).then(function (response) { return response.ok ? response.json() : {}; }).then(function (told) {
      if (number === asked) show(box, rowsOf(box.dataset.lookup, told.customers || []).slice(0, 12));
    }, function () { close(box); });
  }
  doc.addEventListener('input', function (event) {
    var box = event.target.matches('[data-lookup-text]') && event.target.closest('[data-lookup]');
    if (!box) return;
    box.querySelector('[data-lookup-id]').value = '';
    box.classList.remove('seek--chosen');
    clearTimeout(timers.get(box));
    timers.set(box, setTimeout(function () { ask(box); }, 200));
  });
  doc.addEventListener('keydown', function (event) {
    var box = event.target.matches && event.target.matches('[data-lookup-text]') && event.target.closest('[data-lookup]');
    if (!box || event.isComposing) return;
    var options = all('[role=option][data-id]', box), open = !listOf(box).hidden;
    var at = options.findIndex(function (option) { return option.getAttribute('aria-selected') === 'true'; });
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (!open) { ask(box); return; }
      if (options.length) activate(box, options[(at + (event.key === 'ArrowDown' ? 1 : options.length - (at < 0 ? 0 : 1))) % options.length]);
    } else if (event.key === 'Enter' && open && !event.ctrlKey) {
      /* Enter never sends the form while the list is open. */
      event.preventDefault();
      if (options.length) choose(box, options[Math.max(at, 0)]);
    } else if (event.key === 'Escape' && open) {
      event.preventDefault(); event.stopPropagation(); close(box);
    } else if (event.key === 'Tab' && open) {
      if (at >= 0) choose(box, options[at]); else close(box);
    }
  });
  doc.addEventListener('pointerdown', function (event) {
    var option = event.target.closest('[data-lookup] [role=option][data-id]');
    if (option) { event.preventDefault(); choose(option.closest('[data-lookup]'), option); return; }
    all('[data-lookup]').forEach(function (box) { if (!box.contains(event.target)) close(box); });
  });

  function begin(within) { start(within); dressFiles(within); }
  new MutationObserver(function (changes) {
    changes.forEach(function (change) {
      Array.prototype.forEach.call(change.addedNodes, function (node) { if (node.nodeType === 1) begin(node); });
    });
  }).observe(doc.body, { childList: true, subtree: true });
  begin(doc);
  window.deskForms = { refresh: refresh };
})();
