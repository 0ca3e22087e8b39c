// "4 s ago", counted on by the server's clock: a browser whose clock is wrong shows the same ages.
"use strict";
const ages = (() => {
  const main = document.getElementById("main");
  const skew = Date.parse(main.dataset.rendered) - Date.now();
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const now = () => Date.now() + skew;
  const span = (from) => {
    const seconds = Math.max(0, Math.floor((now() - from) / 1000));
    const [size, unit] = units.find(([least]) => seconds >= least) || units[3];
    return `${Math.floor(seconds / size).toLocaleString("en")} ${unit}`;
  };
  const write = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  const tick = () => {
    for (const one of document.querySelectorAll("time[data-age]:not([title])")) one.title = `${one.dateTime.slice(0, 19).replace("T", " ")} UTC`;
    for (const one of document.querySelectorAll("time[data-age]")) write(one, `${span(Date.parse(one.dateTime))} ago`);
    for (const one of document.querySelectorAll("time[data-span]")) write(one, span(Date.parse(one.dateTime)));
  };
  tick();
  setInterval(() => { if (!document.hidden) tick(); }, 1000);
  return { now, span, tick, write };
})();
