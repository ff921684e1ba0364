// Runs in the page, and leaves what it finds as JSON in an element that the test reads from the dumped DOM.
const box = e => e.getBoundingClientRect();
const seen = {
  dark: matchMedia('(prefers-color-scheme: dark)').matches,
  scrollWidth: document.documentElement.scrollWidth,
  clientWidth: document.documentElement.clientWidth,
  requests: performance.getEntriesByType('resource').length,
  charts: [...document.querySelectorAll('figure.chart')].map(figure => {
    const svg = figure.querySelector('svg'), area = box(svg);
    const texts = [...svg.querySelectorAll('text')].map(e => [e.textContent, box(e)]);
    const outside = ([, b]) => b.left < area.left - 1 || b.right > area.right + 1 || b.top < area.top - 1 || b.bottom > area.bottom + 1;
    const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    const card = getComputedStyle(figure).backgroundColor;
    return {
      id: figure.id, width: area.width, height: area.height, card,
      lines: [...svg.querySelectorAll('.line, .whisker')].map(e => ({width: box(e).width, colour: getComputedStyle(e).stroke})),
      hints: svg.querySelectorAll('title').length,
      inks: [...new Set([...figure.querySelectorAll('h2, p, text, li')].map(e =>
        e.namespaceURI.endsWith('svg') ? getComputedStyle(e).fill : getComputedStyle(e).color))],
      outside: texts.filter(outside).map(([text]) => text),
      overlapping: texts.flatMap(([text, b], i) => texts.slice(i + 1).filter(([, c]) => meet(b, c)).map(([other]) => text + ' | ' + other)),
    };
  }),
};
const out = document.createElement('pre');
out.id = 'seen';
out.textContent = JSON.stringify(seen);
document.body.append(out);
