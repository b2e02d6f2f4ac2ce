"use strict";
// Tables whose head sorts: by the number a cell begins with, or else by its text.

function sortRows(table, column, order) {
  [...table.tHead.rows[0].cells].forEach((head, at) => head.setAttribute("aria-sort", at === column ? order : "none"));
  const sign = order === "ascending" ? 1 : -1;
  const rows = [...table.tBodies[0].rows].map((row) => {
    const cell = row.cells[column], number = parseFloat(cell.dataset.value ?? cell.textContent.replaceAll(",", ""));
    return { row, key: Number.isNaN(number) ? cell.textContent : number, number: !Number.isNaN(number) };
  });
  rows.sort((a, b) => {
    if (a.number !== b.number) return a.number ? -1 : 1; // what has no value stays below
    return sign * (a.number ? a.key - b.key : a.key.localeCompare(b.key));
  });
  table.tBodies[0].append(...rows.map((one) => one.row));
}

function turned(head) {
  return head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
}

for (const button of document.querySelectorAll("table.compared thead button")) {
  const head = button.parentElement;
  button.addEventListener("click", () => sortRows(head.closest("table"), head.cellIndex, turned(head)));
}
