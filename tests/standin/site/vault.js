/* Keeps the login as the real site does: secrets in localStorage, encrypted with a key in IndexedDB that no script can
   read out. It survives a clean quit of the profile, and a copy of those two folders. */
"use strict";

const Vault = (() => {
  const LOGIN = "WAStandInLogin";

  function request(operation) {
    return new Promise((resolve, reject) => {
      operation.onsuccess = () => resolve(operation.result);
      operation.onerror = () => reject(operation.error);
    });
  }

  async function keys(mode) {
    const opening = indexedDB.open("wawc_standin", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("keys");
    const database = await request(opening);
    return database.transaction("keys", mode, { durability: "strict" }).objectStore("keys");
  }

  async function key() {
    const known = await request((await keys("readonly")).get("login"));
    if (known) return known;
    const fresh = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
    await request((await keys("readwrite")).put(fresh, "login"));
    return fresh;
  }

  const pack = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
  const unpack = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

  async function save(login) {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const plain = new TextEncoder().encode(JSON.stringify(login));
    const secret = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await key(), plain);
    localStorage.setItem(LOGIN, JSON.stringify({ iv: pack(iv), secret: pack(secret) }));
  }

  async function load() {
    const kept = JSON.parse(localStorage.getItem(LOGIN) || "null");
    if (!kept) return null;
    try {
      const plain = await crypto.subtle.decrypt(
        { name: "AES-GCM", iv: unpack(kept.iv) },
        await key(),
        unpack(kept.secret),
      );
      return JSON.parse(new TextDecoder().decode(plain));
    } catch {
      return null;
    }
  }

  async function clear() {
    localStorage.removeItem(LOGIN);
    await request((await keys("readwrite")).clear());
  }

  return { save, load, clear };
})();
