/* Models and collections in the manner of Backbone. */
"use strict";

class Emitter {
  handlers() {
    if (!Object.hasOwn(this, "_handlers")) Object.defineProperty(this, "_handlers", { value: new Map() });
    return this._handlers;
  }

  on(names, callback, context) {
    for (const name of names.split(" ")) {
      const known = this.handlers().get(name) || [];
      this.handlers().set(name, [...known, { callback, context }]);
    }
    return this;
  }

  once(names, callback, context) {
    const wrapper = (...args) => {
      this.off(names, callback);
      callback.apply(context || this, args);
    };
    wrapper.original = callback;
    return this.on(names, wrapper, context);
  }

  off(names, callback) {
    for (const name of names.split(" ")) {
      const left = (this.handlers().get(name) || []).filter(
        (known) => callback && known.callback !== callback && known.callback.original !== callback,
      );
      this.handlers().set(name, left);
    }
    return this;
  }

  trigger(name, ...args) {
    for (const { callback, context } of this.handlers().get(name) || []) callback.apply(context || this, args);
    if (name !== "all") {
      for (const { callback, context } of this.handlers().get("all") || []) {
        callback.apply(context || this, [name, ...args]);
      }
    }
    return this;
  }

  listenTo(other, names, callback) {
    other.on(names, callback, this);
    return this;
  }
}

class BaseModel extends Emitter {
  constructor(attributes = {}) {
    super();
    Object.defineProperty(this, "attributes", { value: {} });
    this.set({ ...this.defaults(), ...attributes }, { silent: true });
  }

  defaults() {
    return {};
  }

  set(values, options = {}) {
    const changed = [];
    for (const [name, value] of Object.entries(values)) {
      this.expose(name);
      const before = this.attributes[name];
      this.attributes[name] = value;
      if (before !== value) changed.push([name, value, before]);
    }
    if (options.silent || !changed.length) return this;
    for (const [name, value, before] of changed) this.trigger(`change:${name}`, this, value, before);
    this.trigger("change", this);
    return this;
  }

  /* Each attribute is a property whose assignment tells listeners. */
  expose(name) {
    if (Object.hasOwn(this, name)) return;
    Object.defineProperty(this, name, {
      get: () => this.attributes[name],
      set: (value) => this.set({ [name]: value }),
      enumerable: true,
      configurable: true,
    });
  }

  get(name) {
    return this.attributes[name];
  }

  unset(name) {
    return this.set({ [name]: undefined });
  }

  toJSON() {
    return { ...this.attributes };
  }
}

class BaseCollection extends Emitter {
  constructor() {
    super();
    this._models = [];
    this._byId = new Map();
  }

  static key(id) {
    return id && id._serialized ? id._serialized : String(id);
  }

  get length() {
    return this._models.length;
  }

  get models() {
    return this._models;
  }

  get(id) {
    return id === undefined || id === null ? undefined : this._byId.get(BaseCollection.key(id.id ?? id)) ?? this._byId.get(BaseCollection.key(id));
  }

  async find(id) {
    return this.get(id);
  }

  add(items, options = {}) {
    const list = Array.isArray(items) ? items : [items];
    return list.map((item) => this.addOne(item, options));
  }

  addOne(item, options) {
    const known = this.get(item.id);
    if (known) {
      if (options.merge) known.set(item.attributes || item);
      return known;
    }
    const model = item instanceof BaseModel ? item : new this.model(item);
    this._models.push(model);
    this._byId.set(BaseCollection.key(model.id), model);
    model.on("all", (...args) => this.trigger(...args));
    if (!options.silent) this.trigger("add", model);
    return model;
  }

  remove(id) {
    const model = this.get(id);
    if (!model) return undefined;
    this._models = this._models.filter((known) => known !== model);
    this._byId.delete(BaseCollection.key(model.id));
    this.trigger("remove", model);
    return model;
  }

  reset() {
    this._models = [];
    this._byId.clear();
    this.trigger("reset", this);
  }

  getModelsArray() {
    return this._models.slice();
  }

  toArray() {
    return this._models.slice();
  }

  last() {
    return this._models[this._models.length - 1];
  }

  map(callback) {
    return this._models.map(callback);
  }

  filter(callback) {
    return this._models.filter(callback);
  }

  findFirst(callback) {
    return this._models.find(callback);
  }

  forEach(callback) {
    this._models.forEach(callback);
  }

  some(callback) {
    return this._models.some(callback);
  }

  [Symbol.iterator]() {
    return this._models[Symbol.iterator]();
  }
}

/* wa-js knows this class by the sentence in its source. */
class Collection extends BaseCollection {
  constructor() {
    super();
    if (!this.model) throw new Error("Collection initialized without model");
  }
}
Collection.prototype.model = BaseModel;

define("WAWebBaseModel", { BaseModel, defineModel: (model) => model });
define("WAWebBaseCollection", { BaseCollection });
define("WAWebCollection", { default: Collection });
