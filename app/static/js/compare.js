/* Two drawings of one diagram beside each other, what differs marked; they move together.
   <div data-compare><script type="application/json">{"sides": [{"xml", "marks": {id: kind}}, …]}</script>
   <div data-side></div>…</div>; kinds: added, removed, changed, moved. An element with data-mark="id" shows its shape. */
(function () {
  'use strict';
  var doc = document;
  if (!window.BpmnJS) return;
  var SIGNS = { added: '+', removed: '−', changed: '≠', moved: '↔' };

  window.desk.each('[data-compare]', function (box) {
    var sides = JSON.parse(box.querySelector('script').textContent).sides, viewers = [], following = false;
    window.desk.each('.only-script', function (element) { element.hidden = false; });
    var places = box.querySelectorAll('[data-side]');
    function draw(side, number) {
      var place = places[number];
      if (!side.xml) return Promise.resolve(null);
      var viewer = new window.BpmnJS({
        container: place,
        bpmnRenderer: { defaultFillColor: 'var(--d-node)', defaultStrokeColor: 'var(--d-idle)', defaultLabelColor: 'var(--text)' },
        textRenderer: { defaultStyle: { fontFamily: getComputedStyle(doc.body).fontFamily } }
      });
      return viewer.importXML(side.xml).then(function () {
        var canvas = viewer.get('canvas'), registry = viewer.get('elementRegistry'), overlays = viewer.get('overlays');
        Object.keys(side.marks).forEach(function (id) {
          var shape = registry.get(id), kind = side.marks[id];
          if (!shape) return;
          canvas.addMarker(id, 'is-' + kind);
          var sign = doc.createElement('div');
          sign.className = 'differs differs--' + kind; sign.textContent = SIGNS[kind]; sign.setAttribute('aria-hidden', 'true');
          var middle = shape.waypoints && shape.waypoints[Math.floor(shape.waypoints.length / 2)];
          overlays.add(id, { position: middle ? { top: -9, left: 0 } : { top: -9, right: 9 }, html: sign });
        });
        viewers[number] = viewer;
        return viewer;
      }).catch(function () { place.textContent = box.dataset.failed; });
    }
    function fit() {
      var some = viewers.filter(Boolean);
      some.forEach(function (viewer, n) {
        var canvas = viewer.get('canvas'), inner = canvas.viewbox().inner, place = canvas.getContainer().parentNode;
        place.style.height = Math.round(Math.min(Math.max(inner.height * Math.min(place.clientWidth / (inner.width + 24), 1) + 28, 160), 460)) + 'px';
        canvas.resized();
        if (n === 0) { canvas.zoom('fit-viewport', 'auto'); if (canvas.viewbox().scale > 1) canvas.zoom(1, 'auto'); }
      });
      if (some.length > 1) follow(some[0]);
    }
    function follow(from) {
      if (following) return;
      following = true;
      var seen = from.get('canvas').viewbox();
      viewers.filter(Boolean).forEach(function (viewer) {
        if (viewer !== from) viewer.get('canvas').viewbox({ x: seen.x, y: seen.y, width: seen.width, height: seen.height });
      });
      following = false;
    }
    Promise.all(sides.map(draw)).then(function () {
      fit();
      viewers.filter(Boolean).forEach(function (viewer) {
        viewer.get('eventBus').on('canvas.viewbox.changed', function () { follow(viewer); });
      });
      box.dataset.ready = 'yes';
    });
    function show(id) {
      viewers.filter(Boolean).forEach(function (viewer) {
        var registry = viewer.get('elementRegistry'), canvas = viewer.get('canvas');
        registry.getAll().forEach(function (shape) { canvas.removeMarker(shape.id, 'is-pointed'); });
        if (registry.get(id)) { canvas.addMarker(id, 'is-pointed'); canvas.scrollToElement(id, 60); }
      });
    }
    window.desk.each('[data-mark]', function (link) {
      link.addEventListener('click', function () { show(link.dataset.mark); });
    });
    var timer = 0;
    addEventListener('resize', function () { clearTimeout(timer); timer = setTimeout(fit, 150); });
  });
})();
