/* One expression: a list of what keeps people from using the page as it is drawn. audit.py runs it. */
(() => {
  const wrong = [];
  const visible = (node) => node.getClientRects().length > 0 && !node.closest('[inert]') && getComputedStyle(node).visibility !== 'hidden';
  const say = (node, what) => wrong.push(`${what}: ${node.outerHTML.slice(0, 160)}`);
  const all = (selector) => [...document.querySelectorAll(selector)].filter(visible);
  const labelled = (node) => (node.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id)?.textContent ?? '').join('');
  const inside = (node) => [...node.childNodes].map((each) => each.nodeType === 3 ? each.data
    : each.nodeType === 1 && each.getAttribute('aria-hidden') !== 'true' ? each.getAttribute('aria-label') ?? each.getAttribute('alt') ?? inside(each) : '').join('');
  const name = (node) => (labelled(node) || node.getAttribute('aria-label') || [...(node.labels ?? [])].map(inside).join('')
    || (node.matches('input, textarea, select, iframe') ? node.getAttribute('title') : inside(node)) || '').trim();

  if (!document.documentElement.lang) wrong.push('the page has no language');
  if (!document.title.trim()) wrong.push('the page has no title');
  if (all('main').length !== 1 && !document.querySelector('[role=dialog]')) wrong.push('there is not one main');
  if (all('h1').length !== 1 && !document.querySelector('[role=dialog]')) wrong.push(`there are ${all('h1').length} first headings`);
  const ids = [...document.querySelectorAll('[id]')].map((node) => node.id);
  if (new Set(ids).size !== ids.length) wrong.push('an id stands twice');

  const usable = 'button, a[href], input, select, textarea, iframe, video, audio, [role=button], [role=dialog], [role=group], [role=log], nav';
  for (const node of all(usable)) if (!name(node)) say(node, 'has no name');
  for (const node of all('img')) if (!node.hasAttribute('alt')) say(node, 'has no alt');
  for (const node of all('[role=img]')) if (!name(node)) say(node, 'has no name');
  for (const node of all('[tabindex]')) if (node.tabIndex > 0) say(node, 'stands out of order');
  for (const node of all('button, a[href], [role=button]')) {
    if (node.querySelector('button, a[href], input, select, textarea, [role=button], [tabindex]')) say(node, 'holds something else to use');
    const box = node.getBoundingClientRect();
    const isInText = node.tagName === 'A' && getComputedStyle(node).display === 'inline';
    if (!isInText && box.width > 2 && (box.width < 24 || box.height < 24)) say(node, `is ${box.width} x ${box.height} small`);
  }
  for (const node of all('ul, ol')) if ([...node.children].some((child) => child.tagName !== 'LI')) say(node, 'is a list of other things');
  for (const node of all('*')) {
    const looks = getComputedStyle(node);
    const scrolls = /auto|scroll/.test(looks.overflowY + looks.overflowX) && node.scrollHeight - node.clientHeight > 1;
    if (scrolls && node.tabIndex < 0 && !node.querySelector('button, a[href], input, [tabindex="0"]')) say(node, 'scrolls for the mouse only');
  }

  const parse = (text) => { const found = text.match(/[\d.]+/g).map(Number); return { r: found[0], g: found[1], b: found[2], a: found[3] ?? 1 }; };
  const over = (top, low) => ({ r: top.r * top.a + low.r * (1 - top.a), g: top.g * top.a + low.g * (1 - top.a), b: top.b * top.a + low.b * (1 - top.a), a: 1 });
  const light = ({ r, g, b }) => [r, g, b].map((value) => value / 255).map((value) => value <= .04045 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4)
    .reduce((sum, value, place) => sum + value * [.2126, .7152, .0722][place], 0);
  const ground = (node) => {
    const layers = [];
    for (let each = node; each; each = each.parentElement) {
      const looks = getComputedStyle(each);
      if (looks.backgroundImage !== 'none' && each !== document.body) return null;
      const colour = parse(looks.backgroundColor);
      if (colour.a > 0) layers.push(colour);
      if (colour.a === 1) break;
    }
    return layers.reverse().reduce((low, top) => over(top, low), { r: 255, g: 255, b: 255, a: 1 });
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let checked = 0;
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    // In flex messages the shop chooses the colours. Pictures and gradients are looked at by people.
    if (!walker.currentNode.data.trim() || !visible(node) || node.closest('.flex-bubble, .unseen, svg, noscript, .device > .status-bar')) continue;
    const low = ground(node);
    if (!low) continue;
    const looks = getComputedStyle(node);
    const [one, other] = [light(over(parse(looks.color), low)), light(low)];
    const contrast = (Math.max(one, other) + .05) / (Math.min(one, other) + .05);
    const size = parseFloat(looks.fontSize);
    const least = size >= 24 || (size >= 18.66 && Number(looks.fontWeight) >= 700) ? 3 : 4.5;
    checked += 1;
    if (contrast < least && !node.closest(':disabled')) say(node, `has a contrast of ${contrast.toFixed(2)}`);
  }
  if (!checked) wrong.push('no text was found to check');
  return wrong;
})()
