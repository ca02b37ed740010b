// SPDX-License-Identifier: GPL-3.0-or-later
// The sizes. ISO 9241-303 wants capital letters of 16 minutes of arc at least, which are 14.0 mm at three
// metres (2 x 3000 mm x tan(8')). A screen of 55 inches is 1218 mm wide, so 14.0 mm are 1.15 % of its width.
// Capitals are 0.7 of the size of a sans-serif font at least, so the smallest text has 1.64 % of the
// width: 1.7vw here, 16.6 minutes of arc. 3.02vh is the same on a screen of 16:9 and keeps the page within
// the height of any other one. The verdict has 50 minutes of arc, the counts 38. tests/page measures all
// of it.
//
// Two layouts: a screen on the wall shows everything without scrolling, in a grid whose heights are those of
// the lines in it; a telephone and a tall screen show one column, which scrolls.
#include "clients/exporter/page-style.h"

namespace smsd::exporter {

Markup pageStyle() {
  return R"(
:root {
  color-scheme: light dark;
  --paper: #fbfaf6; --ink: #1a1c1e; --soft: #54595e; --line: #dad6cb;
  --good: #1b6639; --warn: #844800; --bad: #a3170d; --band: #a3170d;
  font: clamp(1rem, 2.9vw, 4rem)/1.3 system-ui, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #121517; --ink: #ecebe6; --soft: #a9aeb3; --line: #32373b;
    --good: #7ccf9b; --warn: #f0b45a; --bad: #ff9388; --band: #a3170d;
  }
}
* { box-sizing: border-box; margin: 0; padding: 0; }
body { background: var(--paper); color: var(--ink); padding: 0 1.2rem 1.2rem; overflow-wrap: anywhere; -webkit-text-size-adjust: 100%; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
svg { width: 1.05em; height: 1.05em; vertical-align: -.14em; flex: none; fill: currentColor; }
svg .cut { fill: none; stroke: var(--paper); stroke-width: 3; stroke-linecap: round; stroke-linejoin: round; }
svg .line { fill: none; stroke: currentColor; stroke-width: 3; stroke-linecap: round; }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); } .soft { color: var(--soft); }

header { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: .2rem 2rem; margin: 0 -1.2rem; padding: .9rem 1.2rem; border-bottom: 1px solid var(--line); }
h1 { display: flex; align-items: center; gap: .45em; font-size: 2.1rem; line-height: 1.15; font-weight: 650; letter-spacing: -.01em; }
h1 .name { font-weight: 400; color: var(--soft); }
header .good { display: flex; }
header p { display: flex; flex-wrap: wrap; align-items: baseline; column-gap: .6em; color: var(--soft); }
header time { color: var(--ink); font-size: 1.5rem; line-height: 1; font-weight: 600; }
header.band { --paper: var(--band); --ink: #fff; --soft: #fff; background: var(--band); color: #fff; border: 0; }

section { margin-top: 1.2rem; }
ol { list-style: none; }
li { display: flex; gap: .6rem; margin-bottom: .8rem; }
li > div { flex: 1; min-width: 0; }
.what { font-weight: 600; line-height: 1.25; }
.age { font-weight: 400; color: var(--soft); padding-right: .3em; }
.next { line-height: 1.25; }
.next, .more { color: var(--soft); }
code { font: 1em/1.25 ui-monospace, "Noto Sans Mono", "Liberation Mono", "DejaVu Sans Mono", monospace; color: var(--ink); }
.more { display: none; }

dl { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem 1.5rem; border-top: 1px solid var(--line); padding-top: .8rem; }
dl div { min-width: 0; }
.calm dl { border-top: 0; padding-top: 0; }
dt { color: var(--soft); line-height: 1.2; }
.count { font-size: 1.65rem; line-height: 1.15; font-weight: 600; letter-spacing: -.01em; }
.rest { line-height: 1.2; color: var(--soft); }
dl div:last-child { grid-column: 1 / -1; }

table { width: 100%; border-collapse: collapse; table-layout: fixed; line-height: 1.2; }
th { text-align: left; font-weight: 600; }
thead th { font-weight: 400; color: var(--soft); }
th, td { padding: .3rem .6rem .3rem 0; vertical-align: baseline; }
tr > :last-child { padding-right: 0; }
tbody tr { border-top: 1px solid var(--line); }
.n { text-align: right; }
td.state { white-space: nowrap; }
td svg { margin-right: .35em; }
th.state { width: 6.3rem; } th.for { width: 5.1rem; }
.kind, .use, .accepted, .failed { display: none; }
.for { padding-right: 0; }

footer { margin-top: 1.2rem; padding-top: .6rem; border-top: 1px solid var(--line); color: var(--soft); line-height: 1.25; }

.old { position: fixed; z-index: 1; inset: 0 0 auto; padding: .9rem 1.2rem; background: #ffd21f; color: #1a1c1e; border-bottom: .45rem dashed #1a1c1e; line-height: 1.25; visibility: hidden; animation: show 1ms linear 20s forwards; }
.old strong { font-size: 2.1rem; line-height: 1.15; padding-right: .4em; }
main, footer { animation: fade 1ms linear 20s forwards; }
@keyframes show { to { visibility: visible; } }
@keyframes fade { to { filter: grayscale(1); } }

@media (min-width: 40rem) {
  dl { grid-template-columns: 1fr 1fr 1fr; }
  dl div:last-child { grid-column: span 2; }
  .accepted, .failed { display: table-cell; }
  .for { padding-right: .6rem; }
  th.state { width: 7.1rem; } th.for { width: 5.7rem; } th.accepted { width: 6rem; } th.failed { width: 5rem; }
}

@media (min-width: 60rem) and (min-aspect-ratio: 4/3) {
  :root { font-size: min(1.7vw, 3.02vh); }
  body { height: 100vh; overflow: hidden; padding: 0 1.5rem; display: grid; grid-template: auto minmax(0, 1fr) auto / minmax(0, 1fr); }
  header { margin: 0 -1.5rem; padding: 0 1.5rem; height: 4.6rem; flex-wrap: nowrap; }
  h1 { font-size: 2.9rem; white-space: nowrap; }
  header p { flex-direction: column; align-items: flex-end; line-height: 1.2; white-space: nowrap; }
  header time { font-size: 2.3rem; }
  main { display: grid; grid-template: minmax(0, 1fr) auto / minmax(0, 1fr); min-height: 0; }
  main.troubled { grid-template-columns: minmax(0, 28.4rem) minmax(0, 1fr); column-gap: 1.6rem; }
  section { margin-top: .8rem; min-height: 0; }
  .counts { grid-row: 2; grid-column: 1 / -1; }
  .dispatchers { grid-row: 1; }
  .troubled .dispatchers { grid-column: 2; }
  li { margin-bottom: .6rem; }
  .what, .next, .rest { display: -webkit-box; -webkit-box-orient: vertical; overflow: hidden; }
  .next, .rest { -webkit-line-clamp: 2; }
  .l1 .what { -webkit-line-clamp: 1; } .l2 .what { -webkit-line-clamp: 2; } .l3 .what { -webkit-line-clamp: 3; }
  .l4 .what { -webkit-line-clamp: 4; } .l5 .what { -webkit-line-clamp: 5; } .l6 .what { -webkit-line-clamp: 6; }
  .l7 .what { -webkit-line-clamp: 7; } .l8 .what { -webkit-line-clamp: 8; }
  .one li { font-size: 1.25rem; } .one .next { -webkit-line-clamp: 3; }
  .extra { display: none; }
  .more { display: block; }
  th, td { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; padding-top: .24rem; padding-bottom: .24rem; }
  .troubled :is(.accepted, .failed) { display: none; }
  .troubled .for { padding-right: 0; }
  .calm .kind, .calm .use { display: table-cell; }
  .calm th.kind { width: 5.8em; } .calm th.state { width: 6.7em; } .calm th.for { width: 5.2em; } .calm th.use { width: 4.2em; } .calm th.accepted { width: 5.4em; } .calm th.failed { width: 4.7em; }
 
  .calm .few { font-size: 1.3rem; } .calm .few :is(th, td) { padding-top: .5rem; padding-bottom: .5rem; }
  .alone { grid-column: 1 / -1; } .alone li { font-size: 1.6rem; }
  dl div:last-child { grid-column: auto; }
  dl, .calm dl { grid-template-columns: 1.1fr 1.05fr 1.05fr 1.2fr 1.5fr; gap: 1.4rem; padding-top: .5rem; border-top: 1px solid var(--line); }
  dt { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
  .count { font-size: 2.2rem; white-space: nowrap; }
  .rest { height: 2.4em; }
  footer { margin-top: .4rem; padding: .4rem 0; display: flex; gap: 1.6rem; white-space: nowrap; }
  footer p { flex: none; } footer p:last-child { flex: 0 1 auto; overflow: hidden; text-overflow: ellipsis; }
  .old { display: flex; align-items: center; height: 4.6rem; padding: 0 1.5rem; white-space: nowrap; }
  .old strong { font-size: 2.9rem; }
}
)";
}

Markup markupOf(Symbol symbol) {
  switch (symbol) {
    case Symbol::tick:
      return R"(<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="11"/><path class="cut" d="M6.5 12.5l4 4 7-8"/></svg>)";
    case Symbol::cross:
      return R"(<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M7.5 1h9L23 7.5v9L16.5 23h-9L1 16.5v-9z"/><path class="cut" d="M8 8l8 8M16 8l-8 8"/></svg>)";
    case Symbol::warning:
      return R"(<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 1.5L23.5 22H.5z"/><path class="cut" d="M12 9v5.5M12 18.4v.2"/></svg>)";
    case Symbol::question:
      return R"(<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 0l12 12-12 12L0 12z"/><path class="cut" d="M9.3 9.6c0-3.6 5.4-3.6 5.4 0 0 2-2.7 2-2.7 4M12 17.6v.2"/></svg>)";
    case Symbol::dot:
      return R"(<svg viewBox="0 0 24 24" aria-hidden="true"><circle class="line" cx="12" cy="12" r="9.5"/><circle cx="12" cy="12" r="3.5"/></svg>)";
    case Symbol::hourglass:
      return R"(<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 1h16v4l-6 7 6 7v4H4v-4l6-7-6-7z"/></svg>)";
    case Symbol::ring:
      return R"(<svg viewBox="0 0 24 24" aria-hidden="true"><path class="line" d="M12 2.5A9.5 9.5 0 1 1 2.5 12"/></svg>)";
    case Symbol::bars:
      break;
  }
  return R"(<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 2h6v20H4zM14 2h6v20h-6z"/></svg>)";
}

}  // namespace smsd::exporter
