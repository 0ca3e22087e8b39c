// A run's progress: the page is read again until the run has ended, then its report is opened.
"use strict";
(() => {
  const main = document.getElementById("main");
  const MS = 300;
  const swap = (fresh) => {
    document.title = fresh.title;
    document.querySelector("h1").textContent = fresh.querySelector("h1").textContent;
    const said = fresh.getElementById("run-state").textContent;
    const state = document.getElementById("run-state");
    if (state.textContent !== said) state.textContent = said;
    const progress = fresh.getElementById("progress");
    if (document.getElementById("progress").innerHTML !== progress.innerHTML) document.getElementById("progress").replaceWith(document.importNode(progress, true));
    return fresh.getElementById("main").dataset.ended === "true";
  };
  const look = async () => {
    let ended = false, wait = MS;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!fresh.getElementById("run-state")) throw new Error(fresh.querySelector("[role=alert]")?.textContent || `The server answered ${answer.status}.`);
      ended = swap(fresh);
    } catch (error) {
      document.getElementById("run-state").textContent = `How far it is cannot be seen: ${error instanceof TypeError ? "the server does not answer." : error.message}`;
      wait = 2000;
    }
    if (ended) location.replace(`/admin/reports/${main.dataset.run}`);
    else setTimeout(look, wait);
  };
  if (main.dataset.ended !== "true") setTimeout(look, MS);
})();
