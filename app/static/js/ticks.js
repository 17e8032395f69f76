/* Tick every row of a list at once; without script each is ticked by itself. */
(function () {
  'use strict';
  document.querySelectorAll('[data-tick-all]').forEach(function (all) {
    var boxes = function () { return document.querySelectorAll('input[type=checkbox][name="' + all.dataset.tickAll + '"]'); };
    var said = function () {
      var ticked = Array.prototype.filter.call(boxes(), function (one) { return one.checked; }).length;
      all.checked = ticked > 0 && ticked === boxes().length;
      all.indeterminate = ticked > 0 && !all.checked;
    };
    all.closest('.only-script').hidden = false;
    all.addEventListener('change', function () {
      boxes().forEach(function (one) { one.checked = all.checked; });
    });
    boxes().forEach(function (one) { one.addEventListener('change', said); });
    said();  // what the browser ticked again on the way back
  });
}());
