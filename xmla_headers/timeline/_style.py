"""Knows the look of the page of a timeline: light, dark and on paper."""

__all__ = ["STYLE"]

# It contains no < and no &, so that the page is well-formed XML.
STYLE = """
:root {
  color-scheme: light dark;
  --who: 168px;
  --page: #f6f7f8; --sheet: #ffffff; --ink: #1b1e22; --soft: #565e67; --rule: #d8dce1; --line: #8d97a3;
  --gap: #e9ecef; --link: #1a5fa8;
  --ok: #d5e5f6; --ok-edge: #2b6cb0; --ok-ink: #103a66;
  --fault: #fbe0bd; --fault-edge: #a85400; --fault-ink: #5a2d00;
  --lost: #b91c2c; --lost-edge: #7f0d1a; --lost-ink: #ffffff;
  --bad: #e4dcf3; --bad-edge: #6544a6; --bad-ink: #3b2470;
  --error: #b91c2c; --warning: #8a5a00; --good: #1c7040;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #121417; --sheet: #1a1d21; --ink: #e7e9ec; --soft: #a2abb5; --rule: #343a41; --line: #77818c;
    --gap: #24282d; --link: #85bdf5;
    --ok: #1d3b5a; --ok-edge: #6dabe8; --ok-ink: #dcecfb;
    --fault: #4c310f; --fault-edge: #e29a40; --fault-ink: #ffe4c0;
    --lost: #f0616d; --lost-edge: #ffb3b8; --lost-ink: #17090b;
    --bad: #352a50; --bad-edge: #ab92ea; --bad-ink: #e7deff;
    --error: #ff8089; --warning: #e6b54a; --good: #6fce96;
  }
}
* { box-sizing: border-box; }
html { background: var(--page); color: var(--ink); }
body { margin: 0 auto; padding: 24px 16px 64px; max-width: 1264px;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 3px; }
:target { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -999em; }
.skip:focus { left: 16px; top: 4px; background: var(--sheet); padding: 2px 8px; z-index: 9; }
h1 { font-size: 22px; line-height: 1.3; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 16px; margin: 32px 0 8px; }
p { margin: 0; }
code { font: 13px/1.4 ui-monospace, "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  overflow-wrap: anywhere; }
.figures { font-size: 16px; }
.dot { color: var(--soft); margin: 0 2px; }
.when, .how { color: var(--soft); font-size: 14px; }
.error { color: var(--error); font-weight: 600; }
.warning { color: var(--warning); font-weight: 600; }
.good { color: var(--good); }
.error a, .warning a, .good a { color: inherit; text-decoration: underline; text-underline-offset: 2px; }
ul { list-style: none; margin: 0; padding: 0; }
.verdict { font-size: 17px; margin: 16px 0 8px; }
.diagnoses { margin: 0 0 12px; padding: 0; list-style: none; display: grid; gap: 8px; }
.diagnoses li { background: var(--sheet); border: 1px solid var(--rule); border-left: 4px solid var(--error);
  border-radius: 8px; padding: 10px 14px; overflow-wrap: anywhere; }
.diagnoses b { color: var(--error); } .diagnoses em { font-style: normal; color: var(--good); }
.diagnoses span, .evidence { color: var(--soft); font-size: 14px; }
.long { display: block; min-width: 220px; white-space: normal; overflow-wrap: anywhere; }
.bars { display: flex; align-items: stretch; height: 96px; gap: 1px; background: var(--sheet);
  border: 1px solid var(--rule); border-radius: 8px; padding: 6px; }
.bars div { position: relative; flex: 1; min-width: 1px; }
.bars i, .bars b { position: absolute; bottom: 0; left: 0; right: 0; background: var(--ok-edge); }
.bars b { background: var(--lost); }
.axis-ends { display: flex; justify-content: space-between; }
.others > summary { font-weight: 600; } .others > section, .others > .lines { padding: 0 14px; }
.left { margin: 0; padding: 6px 14px; }
.verdicts { margin: 16px 0 8px; display: grid; gap: 4px; }
.verdicts li { display: grid; grid-template-columns: 24px 1fr; color: var(--ink); font-weight: 400;
  overflow-wrap: anywhere; }
.sign { font-weight: 700; color: var(--soft); }
.error .sign { color: var(--error); } .warning .sign { color: var(--warning); }
.good .sign { color: var(--good); }
.tally { margin-left: 6px; white-space: nowrap; font-size: 13px; }
.tally span { margin-right: 4px; }
details summary { cursor: pointer; }
.how { margin-top: 24px; }
.legend { display: flex; flex-wrap: wrap; gap: 6px 18px; margin: 8px 0 14px; font-size: 13px;
  color: var(--soft); }
.legend li { display: flex; align-items: center; gap: 6px; }
.legend .m { position: static; width: 22px; }
.legend .f { position: static; font-size: 11px; }

.row { overflow-x: auto; background: var(--sheet); border: 1px solid var(--rule); border-radius: 8px;
  margin-bottom: 12px; max-width: 100%; }
.sheet { position: relative; width: max-content; min-width: 100%; }
.lane { display: flex; width: max-content; min-width: 100%; border-top: 1px solid var(--rule);
  position: relative; }
.axis { border-top: 0; }
.who { position: sticky; left: 0; z-index: 3; width: var(--who); flex: none; background: var(--sheet);
  padding: 5px 10px 5px 14px; font-size: 13px; line-height: 1.35; border-right: 1px solid var(--rule);
  overflow: hidden; text-overflow: ellipsis; white-space: nowrap; border-radius: 8px 0 0 8px; }
.who a { font-weight: 600; }
.who span { display: block; color: var(--soft); overflow: hidden; text-overflow: ellipsis;
  font: 12px/1.3 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.axis .who { color: var(--soft); font-size: 12px; }
.track { position: relative; flex: none; width: 1054px; margin-left: 8px; }
.axis .track { height: 28px; }
.axis.cuts .track { height: 42px; }
.tick { position: absolute; top: 6px; padding-left: 4px; border-left: 1px solid var(--line);
  color: var(--soft);
  font-size: 12px; line-height: 16px; white-space: nowrap; font-variant-numeric: tabular-nums; }
.gap { position: absolute; top: 24px; bottom: 0; left: calc(var(--who) + 8px + var(--x));
  background: repeating-linear-gradient(135deg, var(--gap) 0 4px, transparent 4px 8px); overflow: hidden; }
.gap span { display: block; font-size: 11px; line-height: 14px; color: var(--soft); text-align: center;
  white-space: nowrap; }
.line { position: absolute; top: 20px; height: 2px; background: var(--line); }
.line.idle { height: 0; top: 20px; background: none; border-top: 2px dashed var(--line); }
.line.idle em { position: absolute; left: 50%; top: -10px; transform: translateX(-50%); padding: 0 5px;
  background: var(--sheet); color: var(--soft); font-style: normal;
  white-space: nowrap; border-radius: 9px; font-size: 12px; line-height: 18px; font-weight: 600; }
.line.idle em:empty { display: none; }
.line.before-loss { border-top-color: var(--error); }
.line.before-loss em { color: var(--error); border: 1px solid var(--error); top: -11px; }
.end { position: absolute; top: 11px; font-size: 12px; line-height: 20px; white-space: nowrap;
  font-weight: 600; }
.end.plain { color: var(--soft); font-weight: 400; }

.m { position: absolute; display: block; height: 18px; border: 1px solid; border-left-width: 3px;
  border-right-width: 3px; border-radius: 4px; z-index: 1; color: inherit; }
.m b { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; text-align: center;
  font-size: 11px; line-height: 16px; font-weight: 600; }
.m:hover { text-decoration: none; }
.m:hover, .m:focus { z-index: 6; outline: 2px solid var(--ink); outline-offset: 1px; }
.m.answered { background: var(--ok); border-color: var(--ok-edge); color: var(--ok-ink); }
.m.fault { background: var(--fault); border-color: var(--fault-edge); color: var(--fault-ink);
  border-radius: 0; }
.m.lost { background: var(--lost); border-color: var(--lost-edge); color: var(--lost-ink);
  border-radius: 9px; }
.m.unanswered { background: var(--sheet); border-color: var(--soft); color: var(--ink);
  border-style: dashed; }
.m.unusable { background: var(--bad); border-color: var(--bad-edge); color: var(--bad-ink);
  border-radius: 0 9px 9px 0; }
.m.on { border-right: 1px dashed; border-top-right-radius: 0; border-bottom-right-radius: 0; }
.m.from { border-left: 1px dashed; border-top-left-radius: 0; border-bottom-left-radius: 0; }
.m.n { border-left-width: 2px; border-right-width: 2px; }
.m.n b { font-size: 9px; text-overflow: clip; }
.f { font-style: normal; font-size: 9px; line-height: 9px; }
.m .f { position: absolute; top: -10px; }
.m .q { left: -4px; } .m .a { right: -4px; }
.f.e { color: var(--error); } .f.w { color: var(--warning); }
.m::after { content: attr(aria-label); display: none; position: fixed; left: 8px; right: 8px; bottom: 8px;
  max-height: 45vh; overflow: auto; padding: 10px 14px; background: var(--ink); color: var(--page);
  border-radius: 8px; font-size: 13px; line-height: 1.45; font-weight: 400; text-align: left;
  white-space: pre-line;
  overflow-wrap: anywhere; box-shadow: 0 4px 18px rgb(0 0 0 / 35%); z-index: 8; pointer-events: none; }
.m:hover::after, .m:focus::after { display: block; }
/* Wide enough for a row: it does not scroll, and the words about a mark are shown beside it. */
@media (min-width: 1272px) {
  .row { overflow: visible; }
  .m::after { position: absolute; top: 24px; left: -8px; right: auto; bottom: auto; width: max-content;
    max-width: 480px; max-height: none; }
  .m.r::after { left: auto; right: -8px; }
}

.about { background: var(--sheet); border: 1px solid var(--rule); border-radius: 8px; margin-bottom: 8px; }
.about summary { padding: 9px 14px; overflow-wrap: anywhere; }
.count { color: var(--soft); font-size: 13px; margin-left: 6px; }
.findings { padding: 4px 14px 8px; display: grid; gap: 10px; }
.findings li { display: grid; grid-template-columns: 18px 1fr; overflow-wrap: anywhere; }
.findings li div { min-width: 0; }
.diagnoses summary { color: var(--soft); padding-top: 6px; } .diagnoses .diagnoses { margin: 8px 0 0; }
.findings .f { font-size: 12px; line-height: 22px; }
.hint { color: var(--soft); font-size: 14px; }
.places { font-size: 13px; display: flex; flex-wrap: wrap; gap: 0 12px; }
.places details { flex-basis: 100%; }
.places details a { margin-right: 8px; }
.places summary { padding: 0; color: var(--soft); }
.wide { overflow-x: auto; border-top: 1px solid var(--rule); }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: var(--soft); }
th, td { padding: 5px 14px 5px 0; vertical-align: top; border-bottom: 1px solid var(--rule);
  white-space: nowrap; }
th:first-child, td:first-child { padding-left: 14px; }
td:nth-child(6) { white-space: normal; min-width: 180px; }
td:nth-child(7), td:nth-child(3) { white-space: normal; overflow-wrap: anywhere; min-width: 150px; }
tbody tr:last-child td { border-bottom: 0; }
.block { color: var(--soft); }
.none { margin-top: 24px; color: var(--soft); }
@media (max-width: 640px) {
  :root { --who: 104px; }
  body { padding: 16px 12px 48px; }
  h1 { font-size: 19px; }
  .who { padding-left: 8px; padding-right: 4px; }
  .faults thead { display: none; }
  .faults tr { display: block; padding: 6px 14px; border-bottom: 1px solid var(--rule); }
  .faults td, .faults td:first-child { display: inline-block; padding: 0 10px 0 0; border: 0; min-width: 0;
    white-space: normal; overflow-wrap: anywhere; }
}
@media (forced-colors: active) { .m, .line, .f { forced-color-adjust: none; } }
@media print {
  * { print-color-adjust: exact; }
  body { max-width: none; padding: 0; }
  .row { break-inside: avoid; overflow: visible; zoom: 0.6; }
}
"""
