/* The diagram's editor: bpmn-js with our panel, problems on the canvas, Chinese words; a viewer on phones. */
(function () {
  'use strict';
  var keep = window.deskKeep, doc = document, place = doc.querySelector('[data-canvas]');
  if (!keep || !place || !window.BpmnJS) return;
  var main = doc.querySelector('[data-designer]'), readonly = keep.setup.readonly || matchMedia('(max-width: 720px)').matches;
  var modules = [{ translate: ['value', window.deskTranslate(keep.setup.locale)] }];
  if (window.DiagramJSMinimap && !readonly) modules.push(window.DiagramJSMinimap);
  if (readonly) modules.push(still());
  /* Trying out how tokens run needs the room of a desk, as drawing does. */
  var simulation = readonly ? null : window.deskSimulation(keep.setup.locale), simulating = false;
  if (simulation) modules = modules.concat(simulation.modules);
  var modeler = new window.BpmnJS({
    container: place,
    additionalModules: modules,
    bpmnRenderer: { defaultFillColor: 'var(--d-node)', defaultStrokeColor: 'var(--d-line)', defaultLabelColor: 'var(--text)' },
    /* Measured in the font that is shown, or labels would break in the wrong places. */
    textRenderer: { defaultStyle: { fontFamily: getComputedStyle(doc.body).fontFamily } }
  });
  var get = function (name) { return modeler.get(name); };
  var model, panel, loaded = '', marked = [];

  /* Looked at only: nothing can be moved, connected or renamed. */
  function still() {
    var none = ['value', null];
    return {
      __init__: [['eventBus', function (bus) {
        ['shape.move.start', 'connect.start', 'create.start', 'resize.start', 'bendpoint.move.start', 'connectionSegment.move.start', 'lasso.start', 'spaceTool.start', 'spaceTool.selection.start', 'element.dblclick', 'directEditing.activate', 'autoPlace'].forEach(function (name) {
          bus.on(name, 5000, function () { return false; });
        });
      }]],
      contextPadProvider: none, paletteProvider: none
    };
  }
  function fit() {
    var canvas = get('canvas');
    canvas.zoom('fit-viewport', 'auto');
    var box = canvas.viewbox(), inner = box.inner, left = readonly ? 12 : 76, wide = box.outer.width - left - 12, high = box.outer.height - 24;
    /* Beside the tools, not under them; on a phone a whole pool would be unreadable. */
    var scale = Math.min(1, wide / inner.width, high / inner.height);
    if (innerWidth < 720) scale = Math.max(scale, .6);
    canvas.viewbox({
      x: inner.x - (left + Math.max(0, wide - inner.width * scale) / 2) / scale,
      y: inner.y - Math.max(12, (box.outer.height - inner.height * scale) / 2) / scale,
      width: box.outer.width / scale, height: box.outer.height / scale
    });
    zoomed();
  }
  function zoomed() { doc.querySelector('[data-zoom]').textContent = Math.round(get('canvas').zoom() * 100) + '%'; }
  function text() {
    /* Undone to the beginning, it is the file as it was, byte by byte. */
    if (!get('commandStack').canUndo()) return Promise.resolve(loaded);
    return modeler.saveXML({ format: true }).then(function (made) { return made.xml; });
  }
  function mark(findings) {
    var overlays = get('overlays'), canvas = get('canvas'), registry = get('elementRegistry'), worst = {};
    overlays.remove({ type: 'problem' });
    marked.forEach(function (id) { if (registry.get(id)) canvas.removeMarker(id, 'has-error'); });
    marked = [];
    findings.forEach(function (one) {
      if (!one.element || !registry.get(one.element)) return;
      var known = worst[one.element];
      if (!known || (known.level !== 'error' && one.level === 'error')) worst[one.element] = { level: one.level, words: (known ? known.words + '\n' : '') + one.message };
      else known.words += '\n' + one.message;
    });
    Object.keys(worst).forEach(function (id) {
      var one = worst[id], shape = registry.get(id), badge = keep.element('button', 'dz__mark dz__mark--' + one.level, '!');
      badge.type = 'button'; badge.title = one.words; badge.setAttribute('aria-label', one.words);
      badge.addEventListener('click', function () { show(id); });
      var middle = shape.waypoints ? shape.waypoints[Math.floor(shape.waypoints.length / 2)] : null;
      var box = middle ? get('canvas').getAbsoluteBBox(shape) : null;
      overlays.add(id, 'problem', { position: box ? { top: -8, left: 8 } : { top: -9, right: 9 }, html: badge });
      if (one.level === 'error') { canvas.addMarker(id, 'has-error'); marked.push(id); }
    });
    main.dataset.marked = Object.keys(worst).length;
  }
  function show(id) {
    var shape = get('elementRegistry').get(id);
    if (!shape) return;
    get('selection').select(shape);
    get('canvas').scrollToElement(shape, 80);
  }
  /* While tokens run nothing can be changed: the panel explains what to press instead. */
  function simulated(active) {
    simulating = active;
    main.classList.toggle('dz--sim', active);
    main.querySelector('[data-act="simulate"]').setAttribute('aria-pressed', active);
    main.querySelector('[data-props]').hidden = active;
    main.querySelector('[data-sim]').hidden = !active;
    ['undo', 'redo'].forEach(function (name) {
      main.querySelector('[data-act="' + name + '"]').disabled = active || !get('commandStack')[name === 'undo' ? 'canUndo' : 'canRedo']();
    });
  }
  function chosen() {
    var some = get('selection').get();
    panel.show(some.length === 1 ? some[0] : some.length ? null : get('canvas').getRootElement(), some.length);
  }

  keep.load().then(function (xml) {
    loaded = xml;
    return modeler.importXML(xml);
  }).then(function (read) {
    model = window.deskModel(modeler, readonly);
    if (!readonly) model.heal(read.warnings);
    panel = window.deskPanel(doc.querySelector('[data-props]'), model, keep, readonly);
    var bus = get('eventBus');
    bus.on('selection.changed', chosen);
    bus.on('element.changed', function (event) { panel.refresh(event.element); });
    bus.on('canvas.viewbox.changed', zoomed);
    bus.on('commandStack.changed', function () {
      var stack = get('commandStack');
      main.querySelector('[data-act="undo"]').disabled = !stack.canUndo();
      main.querySelector('[data-act="redo"]').disabled = !stack.canRedo();
      if (!readonly) keep.touch(text);
    });
    if (simulation) simulation = simulation.start(modeler, simulated);
    else main.querySelectorAll('[data-act="simulate"]').forEach(function (one) { one.hidden = true; });
    keep.hear(mark);
    keep.onJump(function (one) { show(one.element); });
    mark(keep.findings());
    fit(); chosen();
    if (location.hash.length > 1) show(decodeURIComponent(location.hash.slice(1)));
    main.dataset.ready = 'yes';
  }).catch(function (error) { keep.broken(error.message); });

  main.addEventListener('click', function (event) {
    var button = event.target.closest('[data-act]');
    if (!button || main.dataset.ready !== 'yes') return;
    var canvas = get('canvas');
    ({
      undo: function () { get('commandStack').undo(); chosen(); },
      redo: function () { get('commandStack').redo(); chosen(); },
      'in': function () { canvas.zoom(Math.min(canvas.zoom() * 1.2, 4), 'auto'); },
      out: function () { canvas.zoom(Math.max(canvas.zoom() / 1.2, .2), 'auto'); },
      fit: fit,
      find: function () { get('searchPad').toggle(); },
      minimap: function () { get('minimap').toggle(); },
      simulate: function () { simulation.toggle(); }
    })[button.dataset.act]();
    zoomed();
  });
  /* The browser's own search finds nothing in a drawing. */
  doc.addEventListener('keydown', function (event) {
    if (!(event.ctrlKey || event.metaKey) || main.dataset.ready !== 'yes') return;
    var key = event.key.toLowerCase();
    if (key === 's') { event.preventDefault(); keep.flush(); }
    else if (key === 'f' && !get('searchPad').isOpen()) { event.preventDefault(); get('searchPad').open(); }
    else if (!window.desk.typing(event.target) && !readonly && !simulating && !event.defaultPrevented && (key === 'z' || key === 'y')) {
      event.preventDefault();
      get('commandStack')[key === 'y' || event.shiftKey ? 'redo' : 'undo']();
      chosen();
    }
  });
  addEventListener('resize', function () { if (main.dataset.ready === 'yes') get('canvas').resized(); });
  window.deskModeler = modeler;
})();
