// SPDX-License-Identifier: GPL-3.0-or-later
// Measures a page in a browser: each visible line of text with its place, size and contrast. An expression, which returns an object.
(() => {
  const width = document.documentElement.clientWidth, height = innerHeight;
  const number = text => text.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(c => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
    return .2126 * x + .7152 * y + .0722 * z;
  };
  const behind = element => {
    for (let one = element; one; one = one.parentElement) {
      const colour = number(getComputedStyle(one).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
      if (colour[3] !== 0) throw new Error('a background that lets another one through');
    }
    return [255, 255, 255];
  };
  const contrast = (colour, element) => {
    const [low, high] = [luminance(number(colour)), luminance(behind(element))].sort((a, b) => a - b);
    return (high + .05) / (low + .05);
  };
  // The part of a rectangle that is not clipped by an element around it: its text is cut there on purpose, with dots.
  const seen = (box, element) => {
    let {left, top, right, bottom} = box, cut = false;
    for (let one = element; one && one !== document.body; one = one.parentElement) {
      const style = getComputedStyle(one);
      if (style.display === 'none' || style.visibility === 'hidden' || one.className === 'hidden') return null;
      if (style.overflow === 'visible' || style.display === 'inline') continue;
      const around = one.getBoundingClientRect();
      cut = cut || right > around.right - parseFloat(style.paddingRight) + 1 || bottom > around.bottom + 1;
      [left, top, right, bottom] = [Math.max(left, around.left), Math.max(top, around.top), Math.min(right, around.right), Math.min(bottom, around.bottom)];
    }
    return right - left < 1 || bottom - top < 4 ? null : {left, top, right, bottom, cut};
  };
  const pen = document.createElement('canvas').getContext('2d');
  const texts = [], nodes = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.data.trim()) continue;
    const element = node.parentElement, style = getComputedStyle(element), range = document.createRange();
    range.selectNodeContents(node);
    pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    for (const box of range.getClientRects()) {
      const place = seen(box, element);
      if (!place) continue;
      // A line box is higher than its letters: what must not overlap is the part with the letters.
      const inset = Math.max(0, (box.height - parseFloat(style.fontSize)) / 2);
      nodes.push(node);
      texts.push({text: node.data.trim().slice(0, 60), ...place, letters: [Math.max(place.top, box.top + inset), Math.min(place.bottom, box.bottom - inset)],
                  size: parseFloat(style.fontSize), capital: pen.measureText('H').actualBoundingBoxAscent,
                  contrast: contrast(style.color, element)});
    }
  }
  const shapes = [...document.querySelectorAll('svg')].filter(one => one.getBoundingClientRect().width > 0)
    .map(one => contrast(getComputedStyle(one).fill, one));
  const clashes = [];
  for (let i = 0; i < texts.length; ++i)
    for (let k = i + 1; k < texts.length; ++k) {
      const a = texts[i], b = texts[k];
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left), high = Math.min(a.letters[1], b.letters[1]) - Math.max(a.letters[0], b.letters[0]);
      // The dots of a text that is cut lie over its last letters.
      if (nodes[i] !== nodes[k] && wide > 2 && high > 2) clashes.push(`"${a.text}" and "${b.text}"`);
    }
  return {texts, shapes, clashes, width, height, wide: document.documentElement.scrollWidth, high: document.documentElement.scrollHeight,
          paper: luminance(number(getComputedStyle(document.body).backgroundColor)),
          parts: Object.fromEntries(['header', 'ol', 'table', 'dl', 'footer'].map(name => [name, document.querySelector(name)])
            .filter(([, one]) => one).map(([name, one]) => [name, (({left, top, right, bottom}) => ({left, top, right, bottom}))(one.getBoundingClientRect())]))};
})()
