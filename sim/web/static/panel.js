// Hands on a simulated panel: a button is down for as long as a finger, a mouse or a key is.
"use strict";

(() => {
  let down = null; // the name of the button this page holds down

  const tell = (command) => fetch("/tell/" + command, { method: "POST" });

  function press(button) {
    if (down !== null) return;
    down = button.dataset.push;
    tell("down/" + down);
  }

  function release() {
    if (down === null) return;
    tell("up/" + down);
    down = null;
  }

  const pushed = (event) => event.target.closest("[data-push]");
  const isKey = (event) => event.key === " " || event.key === "Enter";

  addEventListener("pointerdown", (event) => {
    if (pushed(event) && event.button === 0) press(pushed(event));
  });
  for (const end of ["pointerup", "pointercancel", "blur", "pagehide"]) addEventListener(end, release);
  addEventListener("keydown", (event) => {
    if (pushed(event) && isKey(event) && !event.repeat) press(pushed(event));
  });
  addEventListener("keyup", (event) => { if (isKey(event)) release(); });
  addEventListener("contextmenu", (event) => { if (pushed(event)) event.preventDefault(); });
  addEventListener("click", (event) => {
    const key = event.target.closest("[data-tell]");
    if (key) tell(key.dataset.tell);
  });
})();
