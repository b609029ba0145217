// Draws the charts of a report and makes its tables sortable. Everything that it shows is set as text,
// never as markup.
'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const SVG = 'http' + '://www.w3.org/2000/svg';
  const make = (name, attributes = {}, text) => {
    const node = document.createElementNS(SVG, name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const element = (name, className, text) => {
    const node = document.createElement(name);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  };

  const short = (v) => {
    const a = Math.abs(v);
    if (a >= 1e6) return +(v / 1e6).toPrecision(3) + 'M';
    if (a >= 1e4) return +(v / 1e3).toPrecision(3) + 'k';
    if (a >= 100 || Number.isInteger(v)) return String(Math.round(v));
    return String(+v.toPrecision(3));
  };
  const milliseconds = (v) => v >= 1000 ? +(v / 1000).toPrecision(3) + ' s' : v >= 1 || v === 0
      ? +v.toPrecision(3) + ' ms' : +(v * 1000).toPrecision(3) + ' µs';
  const bytes = (v) => v >= 1e9 ? +(v / 1e9).toPrecision(3) + ' GB' : v >= 1e6 ? +(v / 1e6).toPrecision(3) + ' MB'
      : v >= 1e3 ? +(v / 1e3).toPrecision(3) + ' kB' : Math.round(v) + ' B';
  const clock = (s) => {
    const two = (n) => String(n).padStart(2, '0');
    s = Math.round(s);
    return s < 60 ? s + 's' : s < 3600 ? Math.floor(s / 60) + ':' + two(s % 60)
        : Math.floor(s / 3600) + ':' + two(Math.floor(s % 3600 / 60)) + ':' + two(s % 60);
  };
  // A round step so that `max` has at most `count` of them.
  const roundStep = (max, count) => {
    const raw = max / count, power = Math.pow(10, Math.floor(Math.log10(raw)));
    for (const m of [1, 2, 5, 10]) if (m * power >= raw) return m * power;
    return 10 * power;
  };
  const timeStep = (seconds, count) => {
    for (const s of [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400]) {
      if (seconds / s <= count) return s;
    }
    return 86400 * Math.ceil(seconds / 86400 / count);
  };

  const charts = [];
  const cursor = { time: null };

  class Chart {
    constructor(parent, title, format, lines) {
      this.format = format;
      this.lines = lines;
      this.box = element('div', 'chart');
      this.box.append(element('h3', '', title));
      this.keys = element('div', 'keys');
      this.svg = make('svg', { role: 'img', 'aria-label': title });
      this.box.append(this.keys, this.svg);
      parent.append(this.box);
      this.lines.forEach((line) => {
        const key = element('button');
        const swatch = element('i');
        swatch.style.background = `var(--${line.color})`;
        line.label = element('span', '', line.name);
        key.append(swatch, line.label);
        key.setAttribute('aria-pressed', String(!line.hidden));
        key.addEventListener('click', () => {
          line.hidden = !line.hidden;
          key.setAttribute('aria-pressed', String(!line.hidden));
          this.draw();
        });
        this.keys.append(key);
      });
      this.svg.addEventListener('pointermove', (event) => {
        const left = this.svg.getBoundingClientRect().left;
        const t = (event.clientX - left - this.left) / this.width * this.span;
        cursor.time = Math.max(0, Math.min(this.span, t));
        charts.forEach((chart) => chart.point());
      });
      this.svg.addEventListener('pointerleave', () => {
        cursor.time = null;
        charts.forEach((chart) => chart.point());
      });
      charts.push(this);
    }

    use(times, columns, span) {
      this.times = times;
      this.columns = columns;
      this.span = Math.max(span, 1);
      this.draw();
    }

    draw() {
      if (!this.times) return;
      const full = this.svg.clientWidth || 400, height = 190, bottom = 22, top = 8;
      let max = 0;
      this.lines.forEach((line, i) => {
        if (!line.hidden) for (const v of this.columns[i]) if (v !== null && v > max) max = v;
      });
      if (max === 0) max = 1;
      const step = roundStep(max, 4), ceiling = Math.ceil(max / step - 1e-9) * step;
      this.left = 54;
      this.width = Math.max(full - this.left - 10, 40);
      const x = (t) => this.left + t / this.span * this.width;
      const y = (v) => height - bottom - v / ceiling * (height - bottom - top);
      this.x = x;
      this.svg.replaceChildren();
      this.svg.setAttribute('viewBox', `0 0 ${full} ${height}`);
      if (data.warm_up > 0) {
        this.svg.append(make('rect', { class: 'warm', x: x(0), y: top, height: height - bottom - top,
          width: Math.max(0, x(Math.min(data.warm_up, this.span)) - x(0)) }));
      }
      for (let v = 0; v <= ceiling + step / 2; v += step) {
        this.svg.append(make('line', { class: 'grid', x1: this.left, x2: full - 10, y1: y(v), y2: y(v) }));
        this.svg.append(make('text', { x: this.left - 6, y: y(v) + 4, 'text-anchor': 'end' }, this.format(v)));
      }
      const tick = timeStep(this.span, Math.max(2, this.width / 80));
      for (let t = 0; t <= this.span; t += tick) {
        const anchor = t === 0 ? 'start' : x(t) > full - 30 ? 'end' : 'middle';
        this.svg.append(make('text', { x: x(t), y: height - 6, 'text-anchor': anchor }, clock(t)));
      }
      this.lines.forEach((line, i) => {
        if (line.hidden) return;
        let path = '', open = false, alone = '';
        this.columns[i].forEach((v, k) => {
          if (v === null) {
            open = false;
            return;
          }
          const at = x(this.times[k]).toFixed(1) + ' ' + y(v).toFixed(1);
          const next = this.columns[i][k + 1];
          if (!open && (next === null || next === undefined)) alone += `M${at}h0.1`;
          path += (open ? 'L' : 'M') + at;
          open = true;
        });
        const style = `stroke:var(--${line.color})` + (line.dash ? ';stroke-dasharray:5 3' : '');
        this.svg.append(make('path', { class: 'series', d: path, style }));
        if (alone) this.svg.append(make('path', { class: 'series', d: alone, style: style + ';stroke-width:4' }));
      });
      this.mark = make('line', { class: 'cursor', y1: top, y2: height - bottom, visibility: 'hidden' });
      this.svg.append(this.mark);
      this.point();
    }

    // Shows the values under the pointer in the keys.
    point() {
      if (!this.times || !this.mark) return;
      let nearest = -1;
      if (cursor.time !== null) {
        this.times.forEach((t, k) => {
          if (nearest < 0 || Math.abs(t - cursor.time) < Math.abs(this.times[nearest] - cursor.time)) nearest = k;
        });
      }
      this.mark.setAttribute('visibility', nearest < 0 ? 'hidden' : 'visible');
      if (nearest >= 0) {
        this.mark.setAttribute('x1', this.x(this.times[nearest]));
        this.mark.setAttribute('x2', this.x(this.times[nearest]));
      }
      this.lines.forEach((line, i) => {
        const v = nearest < 0 ? undefined : this.columns[i][nearest];
        line.label.textContent = nearest < 0 ? line.name : `${line.name} ${v === null || v === undefined ? '–' : this.format(v)}`;
      });
    }
  }

  const place = document.getElementById('charts');
  const title = document.getElementById('charted');
  const back = document.getElementById('all-steps');
  const rate = (v) => short(v) + '/s';
  let draw = () => {};
  if (place) {
    const common = [
      new Chart(place, 'Requests per second', rate, [{ name: 'all', color: 's1' }, { name: 'failed', color: 's6' }]),
      new Chart(place, 'Latency, from the intended start', milliseconds, [{ name: 'p50', color: 's1' },
        { name: 'p95', color: 's2' }, { name: 'p99', color: 's3' }, { name: 'max', color: 's4', hidden: true }]),
    ];
    const whole = [
      [new Chart(place, 'Service time, from the real start', milliseconds, [{ name: 'p50', color: 's1' }, { name: 'p95', color: 's2' },
        { name: 'p99', color: 's3' }]), ['service_p50', 'service_p95', 'service_p99']],
      [new Chart(place, 'Users and connections', short, [{ name: 'active users', color: 's1' },
        { name: 'open connections', color: 's2', hidden: true }]), ['users', 'connections']],
      [new Chart(place, 'Lateness of arrivals', milliseconds, [{ name: 'p99', color: 's3' }, { name: 'max', color: 's4' }]),
        ['lateness_p99', 'lateness_max']],
      [new Chart(place, 'Arrivals dropped, checks failed', rate, [{ name: 'dropped', color: 's7' },
        { name: 'checks failed', color: 's6' }]), ['dropped', 'checks_failed']],
      [new Chart(place, 'Bytes per second', bytes, [{ name: 'in', color: 's1' }, { name: 'out', color: 's2' }]), ['bytes_in', 'bytes_out']],
    ].filter(([chart, columns]) => {
      const used = columns.some((c) => data.all[c] && data.all[c].some((v) => v));
      if (!used) chart.box.remove();
      return used;
    });
    let chosen = null;
    const rowOf = (index) => document.querySelector(`tr[data-step="${index}"]`);
    draw = () => {
      const from = chosen === null ? data.all : data.steps[chosen];
      common[0].use(from.t, [from.rate, from.failed], data.span);
      common[1].use(from.t, [from.p50, from.p95, from.p99, from.max], data.span);
      for (const [chart, columns] of whole) {
        chart.box.hidden = chosen !== null;
        if (chosen === null) chart.use(data.all.t, columns.map((c) => data.all[c]), data.span);
      }
      title.textContent = chosen === null ? 'all steps' : rowOf(chosen).cells[0].textContent;
      back.hidden = chosen === null;
    };
    const choose = (index) => {
      document.querySelectorAll('tr.chosen').forEach((row) => row.classList.remove('chosen'));
      chosen = chosen === index ? null : index;
      if (chosen !== null) rowOf(chosen).classList.add('chosen');
      draw();
    };
    back.addEventListener('click', () => choose(chosen));
    data.steps.forEach((step, index) => {
      const row = rowOf(index);
      if (!row) return;
      row.tabIndex = 0;
      row.addEventListener('click', () => {
        choose(index);
        place.scrollIntoView({ block: 'nearest' });
      });
      row.addEventListener('keydown', (event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        choose(index);
      });
      const cell = row.querySelector('td.spark');
      const max = Math.max(...step.p95.map((v) => v ?? 0), 1e-9);
      let path = '', open = false;
      step.p95.forEach((v, k) => {
        if (v === null) {
          open = false;
          return;
        }
        const px = (step.t[k] / Math.max(data.span, 1) * 108 + 1).toFixed(1), py = (21 - v / max * 19).toFixed(1);
        path += `${open ? 'L' : 'M'}${px} ${py}`;
        open = true;
      });
      if (path && !path.includes('L')) path += 'h2';
      const spark = make('svg', { class: 'spark', viewBox: '0 0 110 22', 'aria-hidden': 'true' });
      spark.append(make('path', { d: path }));
      cell.replaceChildren(spark);
    });
    draw();
    let width = place.clientWidth;
    addEventListener('resize', () => {
      if (place.clientWidth === width) return;
      width = place.clientWidth;
      draw();
    });
  }

  document.querySelectorAll('table.sort').forEach((table) => {
    const body = table.tBodies[0];
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if (head.dataset.plain !== undefined) return;
      const button = element('button', '', head.textContent);
      head.replaceChildren(button);
      button.addEventListener('click', () => {
        const numbers = [...body.rows].every((row) => row.cells[column].dataset.v !== undefined);
        const down = head.getAttribute('aria-sort') === 'descending' ||
            (head.getAttribute('aria-sort') === null && !numbers);
        table.querySelectorAll('th').forEach((other) => other.removeAttribute('aria-sort'));
        head.setAttribute('aria-sort', down ? 'ascending' : 'descending');
        const key = (row) => numbers ? +row.cells[column].dataset.v : row.cells[column].textContent;
        const compare = (a, b) => numbers ? key(a) - key(b) : key(a).localeCompare(key(b));
        [...body.rows].sort((a, b) => down ? compare(a, b) : compare(b, a)).forEach((row) => body.append(row));
      });
    });
  });
})();
