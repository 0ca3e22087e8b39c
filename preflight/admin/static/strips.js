// Stepping through the strips of the monitoring page, by arrow keys or pointer: what one run came to, and its report.
"use strict";
(() => {
  const SLOTS = 50, STEP = 6, BAR = 4, WIDTH = SLOTS * STEP - (STEP - BAR);
  const told = document.getElementById("strip-told");
  const mark = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  mark.setAttribute("class", "step-mark");
  mark.setAttribute("width", `${100 * STEP / WIDTH}%`);
  mark.setAttribute("height", "100%");
  let strip = null, runs = null, back = 0; // runs: null until they are read; back: how many runs before the newest one

  const all = () => [...document.querySelectorAll("#matrix-table .stepped")];
  const of = (event) => event.target.closest?.("#matrix-table .stepped");
  const page = (link) => link.closest("tr").querySelector("th a").getAttribute("href");
  const ms = (value) => value === null ? "no time" : value < 1000 ? `${value} ms` : `${Math.round(value / 100) / 10} s`;
  const say = (text) => {
    told.textContent = text;
    told.hidden = false;
    const panel = told.parentElement.getBoundingClientRect(), box = strip.getBoundingClientRect();
    told.style.top = `${box.bottom - panel.top}px`;
    told.style.left = `${Math.max(0, Math.min(box.left - panel.left, panel.width - told.offsetWidth - 8))}px`;
  };
  const show = (to) => {
    back = Math.max(to, 0);
    if (!runs) return;
    back = Math.min(back, runs.length - 1);
    const run = runs.at(-1 - back);
    if (!run) { say("never asked"); return; }
    mark.setAttribute("x", `${100 * ((SLOTS - 1 - back) * STEP - 1) / WIDTH}%`);
    strip.firstElementChild.append(mark);
    strip.href = `/admin/reports/${run.report_id}`;
    const at = run.created_at.slice(0, 19).replace("T", " ");
    say(`${run.status}, ${at}, ${run.cached ? "cached" : ms(run.duration_ms)}`);
  };
  const leave = () => {
    if (strip) strip.href = page(strip);
    mark.remove();
    told.hidden = true;
    [strip, runs, back] = [null, null, 0];
  };
  const enter = async (link) => {
    leave();
    strip = link;
    for (const one of all()) one.tabIndex = one === link ? 0 : -1;
    try {
      const answer = await fetch(`/api/v1/checks/${page(link).split("/").pop()}`);
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      const found = (await answer.json()).strip;
      if (strip !== link) return;
      runs = found;
      show(back);
    } catch (error) {
      if (strip === link) say(`The runs could not be read: ${error instanceof TypeError ? "the server does not answer" : error.message}.`);
    }
  };

  document.addEventListener("focusin", (event) => { const link = of(event); if (link && link !== strip) enter(link); else if (!link && strip) leave(); });
  document.addEventListener("pointermove", (event) => {
    const link = of(event);
    if (!link) { if (strip && strip !== document.activeElement) leave(); return; }
    if (link !== strip) { enter(link); return; }
    const box = link.firstElementChild.getBoundingClientRect();
    const slot = Math.floor((event.clientX - box.left) / box.width * WIDTH / STEP);
    show(SLOTS - 1 - slot);
  });
  document.addEventListener("keydown", (event) => {
    const link = of(event);
    if (!link || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowLeft: back + 1, ArrowRight: back - 1, Home: SLOTS, End: 0 };
    const rows = { ArrowUp: -1, ArrowDown: 1 };
    if (event.key in steps) show(steps[event.key]);
    else if (event.key in rows) all()[all().indexOf(link) + rows[event.key]]?.focus();
    else if (event.key === "Escape") { leave(); return; }
    else return;
    event.preventDefault();
  });
})();
