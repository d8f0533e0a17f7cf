// Takes the text of an open page out of its surroundings, as paper and e-readers need it: nothing to
// press, nothing folded, colours written out, and each id with its page's name before it.
// tools/paper.py runs it in the page.

// A colour may be a variable of the page's style, or come from a rule of it: write what it is here.
function writeColours(shown) {
  const names = ['fill', 'stroke', 'stroke-width', 'color', 'font-size', 'font-weight', 'text-anchor'];
  const start = { fill: 'rgb(0, 0, 0)', stroke: 'none', 'stroke-width': '1px' };
  for (const element of shown.querySelectorAll('svg, svg *')) {
    const style = getComputedStyle(element);
    const above = element.matches('svg') ? null : getComputedStyle(element.parentElement);
    for (const name of names) {
      const written = element.getAttribute(name);
      const variable = /var\(|currentColor/.test(written ?? '');
      const value = style.getPropertyValue(name);
      const ruled = name in start && written === null
        && value !== (above?.getPropertyValue(name) ?? start[name]);
      if (!variable && !ruled && !element.getAttribute('style')?.includes(name)) continue;
      element.style.setProperty(name, value);
      if (variable) element.removeAttribute(name);
    }
  }
}

// A figure that moves stands still: the frame that shows first and the last, or all of up to three.
function standStill(copy) {
  for (const figure of copy.querySelectorAll('.bp-stepper')) {
    const frames = [...figure.querySelectorAll('figure')];
    const start = Number(figure.querySelector('input')?.getAttribute('value') ?? 1) - 1;
    const kept = frames.length > 3 ? [frames[start], frames.at(-1)] : frames;
    const place = document.createElement('div');
    place.className = 'frames';
    for (const frame of kept) {
      frame.querySelector('figcaption')?.prepend(`${frame.dataset.name}. `);
      place.append(frame);
    }
    figure.replaceWith(place);
  }
}

function unfold(copy) {
  for (const fold of copy.querySelectorAll('details')) {
    const title = fold.querySelector(':scope > summary');
    const box = document.createElement('div');
    box.className = `fold ${fold.className}`;
    if (fold.id) box.id = fold.id;
    if (title) {
      const head = document.createElement('p');
      head.className = 'fold-title';
      head.textContent = title.textContent.trim();
      box.append(head);
      title.remove();
    }
    box.append(...fold.childNodes);
    fold.replaceWith(box);
  }
}

export function extract({ page, pages, epub, site }) {
  const article = document.querySelector('article.bd-article');
  const prefix = (id, of = page) => `${pages[of]}--${id}`;

  writeColours(article);
  const copy = article.cloneNode(true);
  const all = (selector) => copy.querySelectorAll(selector);
  const drop = (selector) => all(selector).forEach((element) => element.remove());

  standStill(copy);
  drop('script, style, button, input, select, .headerlink, .copybtn, .live, .bp-controls, .bp-live');
  drop('.prev-next-footer, .report-error, details.hide, .toggle-button, noscript, iframe, canvas');
  drop(epub ? '.katex-html' : '.katex-mathml');
  for (const math of all('.katex-mathml')) math.replaceWith(...math.childNodes);
  unfold(copy);

  const seen = new Set();
  for (const element of all('[id]')) {
    const id = prefix(element.id);
    if (seen.has(id)) element.removeAttribute('id');
    else element.id = id;
    seen.add(id);
  }
  const target = (href) => {
    const url = new URL(href, document.baseURI);
    if (!url.href.startsWith(site)) return href;
    const path = decodeURIComponent(url.pathname.slice(new URL(site).pathname.length));
    if (!(path in pages)) return null;
    const anchor = decodeURIComponent(url.hash.slice(1));
    const id = anchor ? prefix(anchor, path) : pages[path];
    return epub ? `${pages[path]}.xhtml${anchor ? `#${id}` : ''}` : `#${id}`;
  };
  for (const link of all('a[href]')) {
    const to = target(link.getAttribute('href'));
    if (to === null) link.replaceWith(...link.childNodes);
    else link.setAttribute('href', to);
  }
  const inside = (value) => value.replace(/url\((["']?)#([^)"']+)\1\)/g, (_, q, id) => `url(#${prefix(id)})`);
  for (const element of all('svg *')) {
    for (const { name, value } of [...element.attributes]) {
      if (/href$/.test(name) && value.startsWith('#')) element.setAttribute(name, `#${prefix(value.slice(1))}`);
      else if (value.includes('url(')) element.setAttribute(name, inside(value));
    }
  }
  if (epub) {
    // EPUB 3 knows SVG 1.1: no paint-order but as a style, no path without one, fewer roles.
    for (const element of all('svg [paint-order]')) {
      element.style.paintOrder = element.getAttribute('paint-order');
      element.removeAttribute('paint-order');
    }
    for (const path of all('svg path:not([d])')) path.remove();
    for (const group of all('svg[role="group"]')) group.setAttribute('role', 'document');
  }
  for (const element of all('*')) {
    for (const { name } of [...element.attributes]) {
      if (/^(data-|on|aria-(labelledby|describedby|controls|owns|expanded|haspopup)|tabindex|contenteditable|translate|fetchpriority)/.test(name)) {
        element.removeAttribute(name);
      }
    }
  }
  // KaTeX leaves a space at the end of a list of lengths, or the list empty.
  for (const table of all('mtable[columnspacing]')) {
    const spacing = table.getAttribute('columnspacing').trim();
    if (spacing) table.setAttribute('columnspacing', spacing);
    else table.removeAttribute('columnspacing');
  }
  for (const image of all('img')) {
    image.setAttribute('src', image.src);
    image.removeAttribute('loading');
  }
  const words = copy.textContent;
  const heading = copy.querySelector('h1');
  return {
    title: heading?.textContent.trim() ?? page,
    sections: [...all('h2')].map((h) => [h.closest('section')?.id ?? h.id, h.textContent.trim()]),
    images: [...all('img')].map((image) => image.src),
    mathml: Boolean(copy.querySelector('math')),
    svg: Boolean(copy.querySelector('svg')),
    words: words.split(/\s+/).length,
    html: epub ? new XMLSerializer().serializeToString(copy) : copy.innerHTML,
  };
}
