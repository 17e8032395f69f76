(function () { 'use strict'; var main = document.querySelector('[data-designer]'); if (main) main.dataset.ready = 'yes'; })();
