"""How our pages look: one sheet for all of them, phone first."""

from typing import Final

STYLE: Final = """
:root{--green:#067a3a;--deep:#045a2b;--ink:#1f2622;--soft:#59625c;--line:#dfe3dd;--paper:#fff;--ground:#f4f5f0;
--tint:#e9f3ec}
*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}
[hidden]{display:none!important}
body{margin:0;background:var(--ground);color:var(--ink);
font:16px/1.7 -apple-system,'Hiragino Sans','Noto Sans JP','Noto Sans CJK JP',sans-serif}
main{max-width:34rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{font-size:1.45rem;line-height:1.4;margin:0 0 1rem;word-break:auto-phrase}
h2{font-size:1.05rem;margin:1.8rem 0 .6rem}
ul{list-style:none;margin:0;padding:0}
.places>li,.consent,.panel{background:var(--paper);border:1px solid var(--line);border-radius:.9rem;
padding:1rem 1.1rem;margin:0 0 .9rem}
.names{display:flex;flex-wrap:wrap;gap:.4rem}
.names li{background:var(--tint);border-radius:999px;padding:.1rem .75rem;font-size:.9rem;overflow-wrap:anywhere}
.places p{margin:.9rem 0 0}.consent p{margin:0 0 .6rem}.panel>:first-child{margin-top:0}
.panel>:last-child{margin-bottom:0}
button,.button{display:block;width:100%;padding:.85rem 1rem;border:0;border-radius:.6rem;background:var(--green);
color:#fff;font:inherit;font-weight:bold;text-align:center;text-decoration:none;cursor:pointer}
button:hover,.button:hover{background:var(--deep)}
button:focus-visible,input:focus-visible,a:focus-visible,summary:focus-visible{outline:3px solid var(--ink);
outline-offset:2px;border-radius:.4rem}
.quiet{background:none;color:#555;font-weight:normal;text-decoration:underline;padding:.5rem;width:auto;
min-height:2.75rem}
.quiet:hover{background:none;color:#222}
.outlined{background:var(--paper);color:var(--green);border:1.5px solid var(--green)}
.outlined:hover{background:var(--tint)}
.grave{background:#a32020}.grave:hover{background:#7f1616}
.proven{color:var(--green);font-weight:bold}.unable,.small,.you{color:var(--soft)}.small{font-size:.9rem}
label{display:flex;gap:.6rem;align-items:center;font-weight:bold;cursor:pointer}
input[type=checkbox],input[type=radio]{width:1.4rem;height:1.4rem;accent-color:var(--green);flex:none;margin:0}
.done{background:var(--green);color:#fff;border-radius:.9rem;padding:1rem 1.1rem;font-weight:bold;font-size:1.15rem;
text-align:center}
.notice{background:#fff4e0;border:1px solid #e0a030;border-radius:.6rem;padding:.7rem 1rem}
.saved{background:var(--tint);border:1px solid #9fcdb0;border-radius:.6rem;padding:.7rem 1rem;font-weight:bold}
"""

MEMBER_STYLE: Final = """
main{padding:1.4rem 1rem 7rem}
.top{margin:0 .25rem 1.1rem}.top p{margin:0;font-size:.85rem;color:var(--soft)}.top h1{margin:0;font-size:1.6rem}
.top .you{font-size:.95rem}
nav{position:fixed;inset:auto 0 0;background:var(--paper);border-top:1px solid var(--line);
padding-bottom:env(safe-area-inset-bottom)}
nav ul{display:flex;max-width:34rem;margin:0 auto}nav li{flex:1}
nav a{display:flex;flex-direction:column;align-items:center;gap:.1rem;padding:.5rem .2rem .45rem;color:var(--soft);
font-size:.75rem;line-height:1.3;text-decoration:none}
nav svg{width:1.6rem;height:1.6rem;fill:none;stroke:currentColor;stroke-width:1.7;stroke-linecap:round;
stroke-linejoin:round}
nav a[aria-current]{color:var(--green);font-weight:bold}
@media(min-width:60rem){main{padding-top:2.5rem}nav{inset:0 auto auto 0;width:100%;border:0;
border-bottom:1px solid var(--line)}body{padding-top:3.4rem}nav a{flex-direction:row;justify-content:center;gap:.5rem;
font-size:.9rem;padding:.9rem;white-space:nowrap}nav ul{max-width:44rem}main{padding-bottom:4rem}}
"""
"""What the pages with the way between them have besides."""

TICKET_STYLE: Final = """
.ticket{background:var(--paper);border:1px solid var(--line);border-radius:1rem;margin:0 0 1rem;overflow:hidden}
.ticket>.face{display:block;padding:1.1rem 1.2rem;list-style:none}
.ticket>.face::-webkit-details-marker{display:none}
summary.face{cursor:pointer}
.gives{display:block;font-size:1.65rem;line-height:1.3;font-weight:bold;color:var(--green);overflow-wrap:anywhere}
.called{display:block;font-weight:bold;overflow-wrap:anywhere}
.when{display:block;margin-top:.3rem;font-size:.9rem;color:var(--soft)}
.soon{color:#9a3b00;font-weight:bold}
.cue{display:block;margin-top:.8rem;padding:.6rem;border-radius:.6rem;background:var(--green);color:#fff;
text-align:center;font-weight:bold}
.ticket[open] .cue{background:var(--tint);color:var(--deep)}
.inside{border-top:2px dashed var(--line);padding:1.1rem 1.2rem 1.2rem;text-align:center}
.inside p{margin:.4rem 0 0}
.picture svg{display:block;width:100%;max-width:232px;height:auto;margin:0 auto}
.timer{height:.35rem;max-width:232px;margin:.5rem auto 0;border-radius:9px;background:#e4e8e2;overflow:hidden}
.timer span{display:block;height:100%;background:var(--green);border-radius:9px;
animation:away var(--left) linear forwards}
@keyframes away{from{width:100%}to{width:0}}
.symbol svg{width:100%;max-width:220px;height:auto}
.code{font:bold 1.35rem/1.4 ui-monospace,Menlo,monospace;letter-spacing:.06em}
.bars{display:block;width:100%;max-width:330px;height:4.5rem;margin:.6rem auto 0}
.plain{margin-top:1rem}.plain summary,.store summary{cursor:pointer;color:var(--green);text-decoration:underline;
padding:.45rem 0;min-height:2.4rem}
.store{margin-top:1rem;padding:.8rem 1rem;border-radius:.7rem;background:var(--ground);text-align:left;font-size:.95rem}
.store p{margin:.15rem 0 0}.store strong{overflow-wrap:anywhere}
.store a{display:inline-block;margin-top:.4rem;padding:.2rem 0;color:var(--green);font-weight:bold}
.gone{background:transparent;color:var(--soft)}.gone .gives{color:var(--soft);font-size:1.2rem}
.badge{display:inline-block;padding:0 .6rem;border-radius:999px;background:#e4e8e2;color:#474e49;font-size:.85rem}
#near{padding:.55rem 1rem;font-size:.95rem}#near~.small{margin:.3rem 0 1rem}
.empty{text-align:center;color:var(--soft);padding:2.5rem 1rem}
"""
