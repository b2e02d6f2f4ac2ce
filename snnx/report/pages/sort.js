"use strict";
// Sorts a table when a heading is clicked: by the number that a cell begins with, otherwise by its text.

function sortRows(table, column, order) {
  [...table.tHead.rows[0].cells].forEach((head, at) => head.setAttribute("aria-sort", at === column ? order : "none"));
  const sign = order === "ascending" ? 1 : -1;
  const rows = [...table.tBodies[0].rows].map((row) => {
    const cell = row.cells[column], number = parseFloat(cell.dataset.value ?? cell.textContent.replaceAll(",", ""));
    return { row, key: Number.isNaN(number) ? cell.textContent : number, number: !Number.isNaN(number) };
  });
  rows.sort((a, b) => {
    if (a.number !== b.number) return a.number ? -1 : 1; // cells without a number stay at the bottom
    return sign * (a.number ? a.key - b.key : a.key.localeCompare(b.key));
  });
  table.tBodies[0].append(...rows.map((entry) => entry.row));
}

function otherOrder(head) {
  return head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
}

for (const button of document.querySelectorAll("table.compared thead button")) {
  const head = button.parentElement;
  button.addEventListener("click", () => sortRows(head.closest("table"), head.cellIndex, otherOrder(head)));
}
