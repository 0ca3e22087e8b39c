// The monitoring page keeps itself up to date: told of new reports as they come, else by looking every 30 s.
"use strict";
(() => {
  const POLL_MS = 30000, TOLD_STALE_MS = 15000, POLLED_STALE_MS = 75000, LEAST_MS = 1000;
  const main = document.getElementById("main");
  const get = (id) => document.getElementById(id);
  let source = null, paused = false, failed = "", toldAt = 0, updatedAt = ages.now();
  let refreshing = false, again = false, startedAt = 0, timer = 0, coming = null;

  // ------------------------------------------------------------ what the page says about itself
  const state = () => {
    if (paused) return ["is-paused", "Paused", "updated"];
    if (failed) return ["is-failed", "Not updated", "for"];
    const streaming = source && source.readyState === EventSource.OPEN && toldAt;
    const stale = ages.now() - updatedAt > (streaming ? TOLD_STALE_MS : POLLED_STALE_MS);
    if (stale) return ["is-warning", "Stale", "updated"];
    return streaming ? ["is-passed", "Live", "updated"] : ["is-polling", "Every 30 s", "updated"];
  };
  const tell = () => {
    const [style, word, verb] = state();
    get("live").className = `live ${style}`;
    ages.write(get("live-word"), word);
    ages.write(get("live-age"), verb === "for" ? `for ${ages.span(updatedAt)}` : `· updated ${ages.span(updatedAt)} ago`);
    get("trouble").hidden = !failed;
    if (failed) {
      ages.write(get("trouble-why"), failed);
      ages.write(get("trouble-since"), `${new Date(updatedAt).toISOString().slice(11, 19)} UTC`);
    }
  };

  // ------------------------------------------------------------ new content for the page
  const reached = (root) => [...root.querySelectorAll("a[href], button, summary, input")];
  // Ages are counted on in this page: they are no difference.
  const essence = (element) => element.innerHTML.replace(/<time datetime="([^"]*)"[^>]*>[^<]*/g, "<time $1>");
  const swap = (old, fresh) => {
    if (!fresh || essence(old) === essence(fresh)) return;
    if (old.getAttribute("role") === "status") { ages.write(old, fresh.textContent); return; }
    const focused = reached(old).indexOf(document.activeElement);
    const open = [...old.querySelectorAll("details[open][id]")].map((one) => one.id);
    const scrolled = [...old.querySelectorAll(".hours")].map((one) => one.scrollTop);
    const made = document.importNode(fresh, true);
    old.replaceWith(made);
    for (const id of open) if (get(id)) get(id).open = true;
    made.querySelectorAll(".hours").forEach((one, place) => { one.scrollTop = scrolled[place] || 0; });
    if (focused >= 0) reached(made)[focused]?.focus({ preventScroll: true });
  };
  const rowsOf = (root) => [...root.querySelectorAll("tr[id^='r-']")];
  const hold = (fresh) => {
    const known = new Set(rowsOf(document).map((row) => row.id));
    const newer = [];
    for (const row of rowsOf(fresh)) { if (known.has(row.id)) break; newer.push(row); }
    if (!known.size) { if (newer.length) swap(get("reports"), fresh.getElementById("reports")); return; }
    coming = newer;
    const all = newer.length === rowsOf(fresh).length;
    get("newer").hidden = !newer.length;
    ages.write(get("newer"), `${newer.length}${all ? " or more" : ""} newer report${newer.length > 1 || all ? "s" : ""}. Show ${newer.length > 1 || all ? "them" : "it"}`);
    get("newer").dataset.all = all;
  };
  const put = (fresh) => {
    for (const old of document.querySelectorAll("[data-live]")) swap(old, fresh.getElementById(old.id));
    document.title = fresh.title;
    if (!new URLSearchParams(location.search).has("before") && get("reports") && fresh.getElementById("reports")) hold(fresh);
    ages.tick();
  };
  const load = async () => {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(15000) });
    const signedOut = answer.redirected && new URL(answer.url).pathname.startsWith("/admin/sign-in");
    if (signedOut || answer.status === 401) { location.reload(); return; }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!fresh.getElementById("verdicts")) throw new Error(fresh.querySelector("[role=alert]")?.textContent || `The server answered ${answer.status}.`);
    put(fresh);
    updatedAt = ages.now();
  };
  const refresh = async () => {
    clearTimeout(timer);
    if (refreshing) { again = true; return; }
    refreshing = true; again = false; startedAt = Date.now();
    main.setAttribute("aria-busy", "true");
    try { await load(); failed = ""; } catch (error) {
      failed = error instanceof TypeError ? "The server does not answer." : error.name === "TimeoutError" ? "The server took more than 15 s." : String(error.message);
    } finally { refreshing = false; main.removeAttribute("aria-busy"); }
    tell();
    if (again) soon(); else plan();
  };
  // A burst of reports is one refresh, and there is at most one a second.
  const soon = () => { clearTimeout(timer); timer = setTimeout(refresh, Math.max(50, LEAST_MS - (Date.now() - startedAt))); };
  const plan = () => { clearTimeout(timer); if (!paused && !document.hidden) timer = setTimeout(refresh, failed ? 5000 : POLL_MS); };

  // ------------------------------------------------------------ being told
  const listen = () => {
    if (source || paused || document.hidden) return;
    source = new EventSource(main.dataset.events);
    source.addEventListener("open", () => { toldAt = ages.now(); tell(); });
    source.addEventListener("reports", (event) => {
      toldAt = ages.now();
      const known = new Set(rowsOf(document).concat(coming || []).map((row) => row.id));
      if (JSON.parse(event.data).reports.some((one) => !known.has(`r-${one.id}`))) soon();
    });
    source.addEventListener("alive", (event) => {
      toldAt = ages.now();
      if (!failed) updatedAt = Math.max(updatedAt, toldAt - JSON.parse(event.data).looked_ms_ago);
      tell();
    });
    source.addEventListener("state", (event) => { failed = JSON.parse(event.data).error || ""; tell(); if (!failed) soon(); });
    source.addEventListener("end", () => { stop(); location.reload(); });
    source.addEventListener("error", () => { toldAt = 0; if (source?.readyState === EventSource.CLOSED) { hush(); setTimeout(listen, POLL_MS); } tell(); });
  };
  const hush = () => { source?.close(); source = null; toldAt = 0; };
  const stop = () => { hush(); clearTimeout(timer); };
  const resume = () => { listen(); refresh(); };

  // ------------------------------------------------------------ what the reader does
  const pause = get("pause");
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.querySelector("span").textContent = paused ? "Go on" : "Pause";
    pause.querySelector("use").setAttribute("href", paused ? "#i-play" : "#i-pause");
    if (paused) stop(); else resume();
    tell();
  });
  get("refresh").addEventListener("click", (event) => { event.preventDefault(); refresh(); });
  document.addEventListener("visibilitychange", () => { if (document.hidden) stop(); else if (!paused) resume(); tell(); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    event.preventDefault();
    get("query")?.focus();
  });
  document.addEventListener("click", (event) => {
    if (event.target.id === "newer") showNewer();
    const button = event.target.closest(".chev");
    if (button) { event.preventDefault(); fold(button); }
  });
  const showNewer = () => {
    if (get("newer").dataset.all === "true") { location.assign(`${location.pathname}${location.search}#reports`); location.reload(); return; }
    const rows = coming.map((row) => document.importNode(row, true));
    get("report-rows").prepend(...rows);
    coming = null;
    get("newer").hidden = true;
    rows[0].querySelector(".r-when a").focus();
    ages.tick();
  };

  // ------------------------------------------------------------ the tiers of one report
  const fold = async (button) => {
    const row = button.closest("tr"), below = row.nextElementSibling;
    const open = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!open));
    row.classList.toggle("open", !open);
    if (open) { if (below?.classList.contains("detail")) below.remove(); return; }
    const detail = document.createElement("tr");
    detail.className = "detail";
    detail.setAttribute("role", "row");
    const cell = document.createElement("td");
    cell.colSpan = 8;
    cell.setAttribute("role", "cell");
    cell.append(Object.assign(document.createElement("p"), { className: "note muted", textContent: "Reading the report…" }));
    detail.append(cell);
    row.after(detail);
    try {
      const answer = await fetch(`/admin/reports/${button.value}/ladder`, { headers: { Accept: "text/html" } });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const ladder = fresh.querySelector(".ladder-wrap");
      if (!ladder) throw new Error(fresh.querySelector("[role=alert]")?.textContent || `The server answered ${answer.status}.`);
      cell.replaceChildren(document.importNode(ladder, true));
    } catch (error) {
      cell.firstChild.textContent = `The report could not be read. ${error instanceof TypeError ? "The server does not answer." : error.message}`;
    }
  };

  setInterval(() => { if (!document.hidden) tell(); }, 1000);
  listen();
  plan();
  tell();
})();
