/* Tokens run over the diagram: bpmn-js-token-simulation with our words, colours and explanations. */
(function () {
  'use strict';
  var library = window.BpmnTokenSimulation, doc = document;
  /* The library speaks English only, and writes its words with names and numbers put in already. */
  var built = [
    [/^(.+) (started|finished|canceled)$/, function (said, all, what, how) { return said(what) + said(' ' + how); }],
    [/^Focus process instance (.+)$/, function (said, all, number) { return said('Focus process instance {scope}', { scope: number }); }],
    [/^Set animation speed = (.+)$/, function (said, all, speed) { return said('Set animation speed = {label}', { label: said(speed) }); }]
  ];

  /* One colour a token, the same each time, and white can be read on each; the library's are left to chance. */
  var shades = ['#1d5fc4', '#b4530a', '#1b7a43', '#8a3ab9', '#b0215d', '#0e7490', '#6b5d00', '#5a4fcf'];
  function colours(bus) {
    var given = 0;
    bus.on('tokenSimulation.simulator.createScope', 1500, function (event) {
      var scope = event.scope;
      if (scope.element && scope.element.type === 'bpmn:MessageFlow') scope.colors = { primary: '#666', auxiliary: '#fff' };
      else if (scope.parent) scope.colors = scope.parent.colors;
      else scope.colors = { primary: shades[given++ % shades.length], auxiliary: '#fff' };
    });
  }

  /* Gives { modules, start(modeler, changed) }; where the library could not be set up, null. */
  window.deskSimulation = function (locale) {
    if (!library) return null;
    var translate = window.deskTranslate(locale), ours = new WeakMap(), named = new WeakMap();
    function said(text) {
      var words = text.trim();
      var own = translate(words);
      for (var i = 0; own === words && i < built.length; i++) {
        var found = words.match(built[i][0]);
        if (found) own = built[i][1].apply(null, [translate].concat(Array.from(found)));
      }
      return own === words ? text : text.split(words).join(own);
    }
    function tell(node) {
      if (ours.get(node) === node.data) return;
      var words = said(node.data);
      ours.set(node, words);
      if (words !== node.data) node.data = words;
    }
    function put(root) {
      if (root.nodeType === Node.TEXT_NODE) { tell(root); return; }
      if (root.nodeType !== Node.ELEMENT_NODE || root.namespaceURI !== doc.documentElement.namespaceURI) return;
      var places = [root].concat(Array.from(root.querySelectorAll('[title], [aria-label], button')));
      places.forEach(function (one) {
        ['title', 'aria-label'].forEach(function (name) {
          var now = one.getAttribute(name), words = now && said(now);
          if (now && words !== now) one.setAttribute(name, words);
        });
        /* A button that is a picture only is told by its title. */
        if (one.title && one.matches('button') && !one.textContent.trim() && (!one.hasAttribute('aria-label') || named.get(one) === one.getAttribute('aria-label'))) {
          named.set(one, one.title);
          one.setAttribute('aria-label', one.title);
        }
      });
      var walker = doc.createTreeWalker(root, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) tell(walker.currentNode);
    }
    return {
      modules: [library.default, {
        /* Steps keep the colours of the page, in the light and in the dark. */
        neutralElementColors: ['value', null],
        coloredScopes: ['type', ['eventBus', colours]]
      }],
      start: function (modeler, changed) {
        var container = modeler.get('canvas').getContainer();
        var inside = '[class*="bts-"]';
        new MutationObserver(function (records) {
          records.forEach(function (record) {
            if (record.type === 'attributes') { if (record.target.closest(inside)) put(record.target); return; }
            record.addedNodes.forEach(function (node) {
              var place = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
              if (!place) return;
              if (place.closest(inside)) put(node);
              else if (place.querySelectorAll) place.querySelectorAll(inside).forEach(put);
            });
          });
        }).observe(container, { childList: true, subtree: true, attributeFilter: ['title'] });
        container.querySelectorAll(inside).forEach(put);
        modeler.get('eventBus').on('tokenSimulation.toggleMode', function (event) { changed(event.active); });
        return { toggle: function () { modeler.get('toggleMode').toggleMode(); } };
      }
    };
  };
})();
