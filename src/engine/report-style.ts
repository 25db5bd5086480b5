/** The report's style sheet: light and dark as the reader's system is, nothing loaded from elsewhere. */
export const reportStyle = `
:root { color-scheme: light dark; --ink: light-dark(#1c2024, #e6e8ea); --quiet: light-dark(#5b6470, #9aa4af);
  --paper: light-dark(#fff, #15181b); --raised: light-dark(#f4f6f8, #1e2226); --line: light-dark(#d9dee3, #333a41);
  --accent: light-dark(#0b62c4, #6fb1ff); --second: light-dark(#b9480a, #ffab6f) }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2.5rem 2rem 4rem; max-width: 90rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif }
h1 { margin: 0; font-size: 1.7rem }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.2rem }
h3 { margin: 2rem 0 .5rem; font-size: 1rem }
p { margin: .25rem 0; max-width: 75ch; color: var(--quiet) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.25rem; margin: 1.25rem 0 }
dt { color: var(--quiet) }
dd { margin: 0; overflow-wrap: anywhere }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .35rem 1rem .35rem 0; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap }
th { color: var(--quiet); font-weight: 500 }
th:first-child, td:first-child { text-align: left }
tr.first td { border-top: 2px solid var(--line) }
td.best { font-weight: 650 }
.charts { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 1rem 1.5rem; margin-top: .75rem }
.chart { width: 100%; height: auto; font-size: 11px; fill: var(--quiet) }
.chart .title { font-size: 12px; fill: var(--ink) }
.chart line { stroke: var(--line) }
.chart polyline { fill: none; stroke-width: 1.75; stroke-linejoin: round }
.chart .line-1 { stroke: var(--accent) }
.chart .line-2 { stroke: var(--second) }
.legend span { margin-right: 1.25rem; color: var(--ink) }
.legend span::before { content: ''; display: inline-block; width: 1.25rem; height: 0; margin-right: .4rem;
  border-top: 3px solid var(--accent); vertical-align: middle }
.legend .line-2::before { border-color: var(--second) }
.views { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 1rem .75rem }
.views h4 { grid-column: 1 / -1; margin: .5rem 0 -.5rem; font-size: .9rem; font-weight: 500; color: var(--quiet) }
figure { margin: 0 }
figure img { display: block; width: 100%; height: auto; border-radius: 4px; background: var(--raised) }
figcaption { padding-top: .25rem; font-size: .85rem; font-variant-numeric: tabular-nums }
figcaption span { color: var(--quiet) }
figure nav { display: none }
a { color: var(--accent) }
a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
figure:target { position: fixed; inset: 0; z-index: 1; display: grid; grid-template-rows: auto auto 1fr; gap: .5rem;
  padding: 1rem 1.5rem; background: var(--paper) }
figure:target nav { display: flex; flex-wrap: wrap; gap: .35rem; order: 0 }
figure:target figcaption { order: 1; padding: 0 }
figure:target .stage { order: 2; overflow: auto; min-height: 0 }
figure:target img { width: calc(2px * var(--width)); max-width: none; border-radius: 0; image-rendering: pixelated }
figure nav a { padding: .2rem .6rem; border: 1px solid var(--line); border-radius: 4px; text-decoration: none; font-size: .85rem }
figure nav a[aria-current] { background: var(--accent); border-color: var(--accent); color: var(--paper) }
figure nav a.close { margin-left: auto }
@media (max-width: 50rem) { body { padding: 1.25rem 1rem } .views, .charts { grid-template-columns: 1fr } }
@media print { figure:target { position: static } }
`
