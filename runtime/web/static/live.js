// Keeps a server-rendered page live. The server sends the inside of elements by id; this file swaps
// them, counts clocks and ages on by itself, and says so when the connection is gone.
"use strict";

(() => {
  const SILENCE_MS = 40000; // two heartbeats of 15 s missed, and some air
  const RETRY_MS = 2000;
  const TICK_MS = 250;
  const JUST_NOW_S = 3;
  const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

  const page = document.documentElement.dataset;
  const banner = document.getElementById("connection");
  const bannerText = document.getElementById("connection-text");
  const ago = JSON.parse(page.ago);

  let aheadMs = Number(page.now) - Date.now(); // the server's clock against ours
  let heardMs = performance.now();
  let stream = null;
  let retry = 0;

  const serverNow = () => Date.now() + aheadMs;
  const two = (number) => String(number).padStart(2, "0");

  function clock(atMs, withSeconds) {
    const local = new Date(atMs + Number(page.zoneMin) * 60000);
    const time = two(local.getUTCHours()) + ":" + two(local.getUTCMinutes());
    return withSeconds ? time + ":" + two(local.getUTCSeconds()) : time;
  }

  function since(atMs) {
    const seconds = Math.max(0, Math.floor((serverNow() - atMs) / 1000));
    if (seconds < JUST_NOW_S) return ago.now;
    const [unit, length] = UNITS.find(([, unitLength]) => seconds >= unitLength);
    return ago[unit].replace("{n}", Math.floor(seconds / length));
  }

  function elapsed(startMs) {
    const seconds = Math.floor((serverNow() - startMs) / 1000);
    const length = Math.abs(seconds);
    const sign = seconds >= 0 ? "+" : "−";
    return "T " + sign + " " + Math.floor(length / 3600) + ":" + two(Math.floor(length / 60) % 60) + ":" + two(length % 60);
  }

  function write(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function tick() {
    for (const one of document.querySelectorAll("[data-since]")) write(one, since(Number(one.dataset.since)));
    for (const one of document.querySelectorAll("[data-elapsed]")) write(one, elapsed(Number(one.dataset.elapsed)));
    for (const one of document.querySelectorAll("[data-clock]")) write(one, clock(serverNow(), one.dataset.clock === "s"));
    if (stream && performance.now() - heardMs > SILENCE_MS) lose(heardMs);
  }

  function show(event) {
    hear();
    const message = JSON.parse(event.data);
    if (message.build !== page.build) {
      location.reload(); // the program was upgraded under an open page
      return;
    }
    aheadMs = message.now - Date.now();
    for (const [id, html] of Object.entries(message.parts)) document.getElementById(id).innerHTML = html;
    tick();
  }

  function hear() {
    heardMs = performance.now();
    banner.hidden = true;
    document.documentElement.classList.remove("stale");
  }

  function lose(atMs) {
    if (banner.hidden) {
      const lostMs = serverNow() - (performance.now() - atMs);
      bannerText.textContent = page.lost.replace("{time}", clock(lostMs, true));
      banner.hidden = false;
      document.documentElement.classList.add("stale");
    }
    if (stream) stream.close();
    stream = null;
    clearTimeout(retry);
    retry = setTimeout(connect, RETRY_MS);
  }

  function connect() {
    stream = new EventSource(page.live);
    heardMs = performance.now();
    stream.onmessage = show;
    stream.addEventListener("beat", hear);
    stream.onerror = () => lose(performance.now());
  }

  addEventListener("pagehide", () => { if (stream) stream.close(); });
  addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
  setInterval(tick, TICK_MS);
  tick();
  connect();
})();
