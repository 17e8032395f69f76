/* The decision table's editor: dmn-js with cells in small Python, Chinese words, kept like every file. */
(function () {
  'use strict';
  var keep = window.deskKeep, doc = document, place = doc.querySelector('[data-table]');
  if (!keep || !place || !window.DmnJS) return;
  var main = doc.querySelector('[data-designer]'), readonly = keep.setup.readonly, loaded = '', dirty = false;
  var words = { translate: ['value', window.deskTranslate(keep.setup.locale)] };
  var modeler = new window.DmnJS({
    container: place,
    common: { expressionLanguages: { options: [{ value: 'python', label: 'Python' }], defaults: { editor: 'python', inputCell: 'python', outputCell: 'python' } } },
    drd: { additionalModules: [words] },
    decisionTable: { additionalModules: [words] },
    literalExpression: { additionalModules: [words] },
    boxedExpression: { additionalModules: [words] }
  });
  function text() {
    if (!dirty) return Promise.resolve(loaded);
    return modeler.saveXML({ format: true }).then(function (made) { return made.xml; });
  }
  function listen() {
    var viewer = modeler.getActiveViewer(), stack = viewer && viewer.get('commandStack', false);
    if (!stack) return;
    viewer.get('eventBus').on('commandStack.changed', function () {
      dirty = stack.canUndo();
      if (!readonly) keep.touch(text);
    });
  }
  keep.load().then(function (xml) {
    loaded = xml;
    return modeler.importXML(xml);
  }).then(function () {
    var tables = modeler.getViews().filter(function (view) { return view.type === 'decisionTable'; });
    return tables.length ? modeler.open(tables[0]) : null;
  }).then(function () {
    listen();
    modeler.on('views.changed', listen);
    if (readonly) place.classList.add('is-still');
    main.dataset.ready = 'yes';
  }).catch(function (error) { keep.broken(error.message); });
  doc.addEventListener('keydown', function (event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 's') { event.preventDefault(); keep.flush(); }
  });
  window.deskModeler = modeler;
})();
