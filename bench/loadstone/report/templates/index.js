"use strict";
{
  const table = document.querySelector("table.index");
  const bar = document.getElementById("narrow");
  if (table && bar) {
    const body = table.tBodies[0];
    const given = [...body.rows];
    let rows = [...given];
    const heads = [...table.tHead.rows[0].cells];
    const names = heads.map((head) => head.textContent);
    // Dates and figures that are best seen from their latest or largest on.
    const falling = new Set(["Run", "Rounds"]);
    const text = (cell) => cell.textContent.trim();
    const key = (cell) => (cell.dataset.v === undefined ? text(cell) : cell.dataset.v);
    const compare = (one, other) => {
      const kinds = (one.dataset.k || "").localeCompare(other.dataset.k || "");
      // Not of a text: release 6.18 is after 6.6.
      const numbers = Number(one.dataset.v) - Number(other.dataset.v);
      return kinds || numbers || key(one).localeCompare(key(other), undefined, { numeric: true });
    };

    const sort = (column, isFalling) => {
      const sign = isFalling ? -1 : 1;
      const isEmpty = (row) => key(row.cells[column]) === "";
      // What has no figure comes last, whichever way.
      rows.sort((a, b) => isEmpty(a) - isEmpty(b) || sign * compare(a.cells[column], b.cells[column]));
      body.append(...rows);
      heads.forEach((head, at) => {
        if (at === column) head.setAttribute("aria-sort", isFalling ? "descending" : "ascending");
        else head.removeAttribute("aria-sort");
      });
    };
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = names[column];
      button.addEventListener("click", () => {
        const order = head.getAttribute("aria-sort");
        sort(column, order ? order === "ascending" : falling.has(names[column]));
      });
      head.replaceChildren(button);
    });

    const select = (label, values, onChange) => {
      const outer = document.createElement("label");
      const inner = document.createElement("select");
      inner.append(...values.map(([value, name]) => new Option(name, value)));
      inner.addEventListener("change", onChange);
      outer.append(label, inner);
      bar.append(outer);
      return inner;
    };
    const shown = document.createElement("span");
    shown.setAttribute("role", "status");
    const filters = [1, 3].map((column) => {
      const counts = new Map();
      for (const row of rows) {
        const value = [...row.cells[column].childNodes].map((node) => node.textContent).join(", ");
        row.dataset["f" + column] = value;
        counts.set(value, (counts.get(value) || 0) + 1);
      }
      const values = [...counts].sort().map(([value, count]) => [value, `${value} (${count})`]);
      return [column, select(names[column], [["", "all"], ...values], () => narrow())];
    });
    const narrow = () => {
      for (const row of rows) {
        row.hidden = filters.some(([column, chosen]) => chosen.value && chosen.value !== row.dataset["f" + column]);
      }
      const left = rows.filter((row) => !row.hidden).length;
      shown.textContent = left === rows.length ? "" : `${left} of ${rows.length} shown`;
    };
    const order = select("Sort by", [["", "machine and workload"], ...names.map((name, at) => [at, name])], () => {
      if (order.value !== "") sort(Number(order.value), falling.has(names[order.value]));
      else body.append(...(rows = [...given]));
    });
    order.parentNode.className = "order";
    bar.append(shown);
    bar.hidden = false;
  }
}
