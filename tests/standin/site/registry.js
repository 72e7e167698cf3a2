/* The module system of the real page, as far as wa-js looks at it. */
"use strict";

const VERSION = "2.3000.1035000000";
const WITHOUT = new Set(document.querySelector("meta[name=without]").content.split(",").filter(Boolean));

const Registry = (() => {
  const modulesMap = {};

  function run(name) {
    const entry = modulesMap[name];
    if (!entry) throw new Error(`Requiring unknown module "${name}"`);
    if (!entry.module) {
      entry.module = { exports: {} };
      entry.factory(window, run, run, run, run, entry.module, entry.module.exports);
    }
    return entry.module.exports;
  }

  function declare(name, dependencies, factory) {
    modulesMap[name] = { id: name, dependencies, factory };
  }

  declare("__debug", [], (g, require, d, n, l, module) => {
    module.exports = { modulesMap };
  });
  return { run, declare, modulesMap };
})();

/* Registers a module and returns what it exports, also when this page is told to be without it: the page's own code
   goes on working with that object, only wa-js cannot find it. */
function define(name, exports) {
  if (!WITHOUT.has(name)) {
    window.__d(name, [], (g, require, d, n, l, module) => {
      module.exports = exports;
    });
  }
  return exports;
}

window.ErrorGuard = { skipGuardGlobal: () => undefined, applyWithGuard: (fn, self, args) => fn.apply(self, args) };
window.importNamespace = Registry.run;
window.__d = Registry.declare;
window.require = Registry.run;
