/* The diagram of a case: what is done, current, escalated; called processes open by tab or by a click. */
(function () {
  'use strict';
  var doc = document, place = doc.querySelector('[data-diagram]'), source = doc.querySelector('[data-diagram-state]');
  if (!place || !source || !window.BpmnJS) return;
  var card = doc.getElementById('progress'), states = {}, viewer = null, shown = null;
  JSON.parse(source.textContent).processes.forEach(function (one) { states[one.id] = one; });

  var COLOURS = {
    name: 'bpmn.io colours', prefix: 'bioc', uri: 'http://bpmn.io/schema/bpmn/biocolor/1.0',
    types: [{ name: 'ColoredEdge', extends: ['bpmndi:BPMNEdge'], properties: [{ name: 'stroke', isAttr: true, type: 'String' }] }]
  };
  function lit(id) {
    var one = states[id], canvas = viewer.get('canvas'), overlays = viewer.get('overlays'), registry = viewer.get('elementRegistry');
    registry.getAll().forEach(function (shape) {
      var state = one.elements[shape.id];
      if (one.flows) { heated(one, shape, state); return; }
      if (state) canvas.addMarker(shape.id, 'is-' + state.status);
      if (/Participant|Lane/.test(shape.type)) canvas.addMarker(shape.id, 'is-lane');
      if (state && state.here) {
        overlays.add(shape.id, { position: { top: -10, right: 10 }, html: badge('round round--current', String(state.here)) });
      }
      if (state && state.rounds > 1 && /Task|CallActivity|SubProcess/.test(shape.type)) {
        overlays.add(shape.id, { position: { top: -10, right: 10 }, html: badge('round round--' + state.status, String(state.rounds)) });
      }
      if (one.calls[shape.id] && states[one.calls[shape.id]]) {
        canvas.addMarker(shape.id, 'is-open');
        overlays.add(shape.id, { position: { bottom: 24, left: shape.width / 2 - 11 }, html: badge('into', '+') });
      }
      /* A way between two places that were both reached has been gone. */
      if (shape.waypoints && shape.source && shape.target && one.elements[shape.source.id] && one.elements[shape.target.id]
          && (one.elements[shape.source.id].status === 'done' || shape.source.type === 'bpmn:BoundaryEvent')) {
        var to = one.elements[shape.target.id].status;
        colour(shape, { current: '--accent', escalated: '--escalated-solid' }[to] || '--done-solid');
      }
    });
  }
  /* What really happens: how much at each element, how often along each flow. */
  function heated(one, shape, state) {
    var canvas = viewer.get('canvas');
    if (/Participant|Lane/.test(shape.type)) canvas.addMarker(shape.id, 'is-lane');
    if (shape.waypoints) {
      var width = one.flows[shape.id];
      if (width !== undefined) canvas.addMarker(shape.id, width ? 'flow-' + width : 'is-never');
      return;
    }
    if (!state) return;
    canvas.addMarker(shape.id, state.never ? 'is-never' : 'heat-' + state.heat);
    if (state.label && !/Gateway/.test(shape.type)) {
      viewer.get('overlays').add(shape.id, { position: { top: -10, right: 12 }, html: badge('figure', state.label) });
    }
    if (one.calls[shape.id] && states[one.calls[shape.id]]) {
      canvas.addMarker(shape.id, 'is-open');
      viewer.get('overlays').add(shape.id, { position: { bottom: 24, left: shape.width / 2 - 11 }, html: badge('into', '+') });
    }
  }
  /* Colour belongs to the drawing: an arrow's head takes it only when it is drawn anew. */
  function colour(shape, token) {
    shape.di.set('bioc:stroke', 'var(' + token + ')');
    viewer.get('canvas').addMarker(shape.id, 'is-gone');
    viewer.get('graphicsFactory').update('connection', shape, viewer.get('elementRegistry').getGraphics(shape));
  }
  function badge(cls, text) {
    var box = doc.createElement('div');
    box.className = cls; box.textContent = text; box.setAttribute('aria-hidden', 'true');
    return box;
  }
  function fit() {
    var canvas = viewer.get('canvas');
    canvas.zoom('fit-viewport', 'auto');
    var box = canvas.viewbox();
    if (box.scale > 1) canvas.zoom(1, 'auto');
    if (box.scale < .55 && innerWidth < 720) {
      /* On a phone a whole pool would be unreadable: look at where the work is. */
      var here = Object.keys(states[shown].elements).filter(function (id) { return /current|escalated/.test(states[shown].elements[id].status); })[0];
      canvas.zoom(.7, 'auto');
      if (here && viewer.get('elementRegistry').get(here)) canvas.scrollToElement(here, 40);
    }
  }
  function height() {
    var root = viewer.get('canvas').viewbox().inner, wide = place.clientWidth;
    place.style.height = Math.round(Math.min(Math.max(root.height * Math.min(wide / (root.width + 24), 1) + 28, 240), 620)) + 'px';
    viewer.get('canvas').resized();
  }
  function open(id) {
    if (!states[id] || shown === id) return;
    shown = id;
    fetch(states[id].url, { credentials: 'same-origin' }).then(function (answer) {
      if (!answer.ok) throw new Error(answer.status);
      return answer.text();
    }).then(function (xml) {
      if (viewer) viewer.destroy();
      viewer = new window.BpmnJS({
        container: place,
        moddleExtensions: { bioc: COLOURS },
        bpmnRenderer: { defaultFillColor: 'var(--d-node)', defaultStrokeColor: 'var(--d-idle)', defaultLabelColor: 'var(--text)' },
        /* Measured in the font that is shown, or labels would break in the wrong places. */
        textRenderer: { defaultStyle: { fontFamily: getComputedStyle(doc.body).fontFamily } }
      });
      return viewer.importXML(xml);
    }).then(function () {
      lit(id); height(); fit();
      viewer.get('eventBus').on('element.click', function (event) {
        var called = states[id].calls[event.element.id];
        if (called && states[called]) { choose(called); }
      });
      place.dataset.ready = id;
    }).catch(function () { place.textContent = place.dataset.failed; });
  }
  function choose(id) {
    window.desk.each('[data-process]', function (tab) {
      var on = tab.dataset.process === id;
      tab.setAttribute('aria-selected', on); tab.tabIndex = on ? 0 : -1;
    });
    var name = doc.querySelector('[data-diagram-name]');
    if (name) name.textContent = states[id].name;
    open(id);
  }
  window.desk.each('[data-process]', function (tab) {
    tab.addEventListener('click', function () { choose(tab.dataset.process); });
    tab.addEventListener('keydown', function (event) {
      var step = event.key === 'ArrowRight' ? 'nextElementSibling' : event.key === 'ArrowLeft' ? 'previousElementSibling' : '';
      if (step && tab[step]) { event.preventDefault(); tab[step].focus(); tab[step].click(); }
    });
  });

  window.desk.each('#progress .only-script', function (element) { element.hidden = false; });
  var flip = doc.querySelector('[data-flip]'), wide = matchMedia('(min-width: 721px)');
  function show(diagram) {
    card.classList.toggle('progress--diagram', diagram);
    place.hidden = !diagram;
    if (diagram) open(shown || place.dataset.first);
    if (diagram && viewer && place.dataset.ready) { height(); fit(); }
  }
  flip.addEventListener('click', function () { show(place.hidden); });
  doc.querySelector('[data-fit]').addEventListener('click', function () {
    if (place.requestFullscreen && !doc.fullscreenElement) place.requestFullscreen(); else if (viewer) fit();
  });
  doc.addEventListener('fullscreenchange', function () { if (viewer) { if (!doc.fullscreenElement) height(); viewer.get('canvas').resized(); fit(); } });
  show(wide.matches);
})();
