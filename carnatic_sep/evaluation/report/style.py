"""How the report looks: one sheet for light, dark and paper."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --card: #ffffff; --ink: #221f1c; --soft: #6d665e; --faint: #9b948b;
  --line: #e4dfd7; --wash: #f3efe8; --accent: #b4501a; --good: #1f7a4d; --bad: #b3352c;
  --vocals: #2a6db0; --violin: #c9701c; --mridangam: #2d8a68; --other: #86719f; --mean: #55504a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16151a; --card: #1e1d23; --ink: #ebe7e1; --soft: #a9a29a; --faint: #7b756e;
    --line: #34313a; --wash: #26242c; --accent: #f08a4b; --good: #5cc48f; --bad: #f0796d;
    --vocals: #6fb0ee; --violin: #f0a458; --mridangam: #5fc7a0; --other: #b6a1d2; --mean: #c9c3bb;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
main { max-width: 1120px; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
header { border-bottom: 1px solid var(--line); padding-bottom: 1.25rem; margin-bottom: 1.75rem; }
.kicker { color: var(--accent); font-weight: 600; font-size: .8rem; letter-spacing: .08em;
  text-transform: uppercase; margin: 0; }
h1 { font-size: 2rem; line-height: 1.2; margin: .2rem 0 .4rem; letter-spacing: -.01em;
  overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 3rem 0 .35rem; letter-spacing: -.005em; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p { margin: .35rem 0 .8rem; max-width: 75ch; }
.sub, .note, figcaption, caption { color: var(--soft); }
.note, figcaption { font-size: .88rem; }
nav { display: flex; flex-wrap: wrap; gap: .35rem 1.1rem; font-size: .9rem; margin-top: .9rem; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: .9rem;
  margin: 1.25rem 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 1rem 1.1rem; }
.card h3 { margin: 0; font-size: .95rem; display: flex; align-items: center; gap: .5rem; }
.card .big { font-size: 1.9rem; font-weight: 650; line-height: 1.25; margin: .15rem 0 0;
  font-variant-numeric: tabular-nums; }
.card .big small { font-size: .95rem; font-weight: 500; color: var(--soft); }
.dot { width: .7em; height: .7em; border-radius: 50%; display: inline-block; flex: none; }
.vocals { --stem: var(--vocals); } .violin { --stem: var(--violin); }
.mridangam { --stem: var(--mridangam); } .other { --stem: var(--other); }
.mean { --stem: var(--mean); } .dot { background: var(--stem); }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 12px;
  background: var(--card); margin: .8rem 0; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums;
  font-size: .92rem; }
th, td { padding: .5rem .7rem; text-align: right; border-bottom: 1px solid var(--line);
  white-space: nowrap; vertical-align: top; }
tr:last-child > td, tr:last-child > th { border-bottom: 0; }
th { font-weight: 600; }
thead th { color: var(--soft); font-size: .8rem; background: var(--wash); }
th:first-child, td:first-child { text-align: left; }
td.words, th.words { text-align: left; white-space: normal; min-width: 14rem; }
td small { display: block; color: var(--faint); font-size: .78rem; }
tr.tested > * { background: color-mix(in srgb, var(--accent) 9%, transparent); }
tr.tested th { color: var(--accent); }
tr.group th { background: var(--wash); color: var(--soft); font-size: .78rem; text-align: left;
  letter-spacing: .05em; text-transform: uppercase; padding: .35rem .8rem; }
.chip { display: inline-block; font-size: .72rem; font-weight: 600; padding: .05rem .5rem;
  border-radius: 99px; background: var(--wash); color: var(--soft); margin-left: .45rem; }
.win { color: var(--good); font-weight: 600; } .loss { color: var(--bad); font-weight: 600; }
.warn { border-left: 3px solid var(--bad); background: var(--card); padding: .6rem 1rem;
  border-radius: 0 8px 8px 0; font-size: .92rem; overflow-wrap: anywhere; }
figure { margin: 1rem 0; } figcaption { margin-top: .45rem; }
figure svg { display: block; width: 100%; height: auto; background: var(--card);
  border: 1px solid var(--line); border-radius: 12px; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: var(--soft); }
svg .title { font-weight: 600; fill: var(--ink); font-size: 13px; }
svg .end { text-anchor: end; } svg .mid { text-anchor: middle; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .zero { stroke: var(--faint); stroke-width: 1; }
svg .span { stroke: var(--line); stroke-width: 7; stroke-linecap: round; }
svg .rule { stroke: var(--bad); stroke-width: 1.2; stroke-dasharray: 5 4; fill: none; }
svg .diagonal { stroke: var(--faint); stroke-width: 1.2; stroke-dasharray: 2 4; fill: none; }
svg .low { stroke: var(--faint); stroke-width: 2; }
svg .high { stroke: var(--ink); stroke-width: 2; }
svg .point { fill: var(--stem); stroke: var(--card); stroke-width: 1.2; }
svg .apart { fill: var(--card); stroke: var(--stem); stroke-width: 1.8; }
svg .bar { stroke: var(--stem); stroke-width: 3; }
.examples { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr));
  gap: 1rem; }
.example { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  overflow: hidden; margin: 0; }
.example img { width: 100%; display: block; background: #15131a; }
.example figcaption { margin: 0; padding: .7rem 1rem .2rem; color: var(--ink); }
.example figcaption span { color: var(--soft); }
.players { display: grid; gap: .3rem; padding: .4rem 1rem 1rem; font-size: .85rem; }
.players label { display: grid; grid-template-columns: 5.5rem 1fr; align-items: center;
  color: var(--soft); }
audio { width: 100%; height: 34px; }
details { margin: .8rem 0; } summary { cursor: pointer; font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.2rem; font-size: .92rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
code { font: .88em ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1rem;
  color: var(--faint); font-size: .85rem; }
@media (max-width: 560px) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .5rem; } }
@media print { nav, audio, .players { display: none; } body { font-size: 11pt; }
  .card, .scroll, figure { break-inside: avoid; } }
"""
