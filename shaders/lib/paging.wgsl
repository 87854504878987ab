// Where a sequence keeps a position. Needs `page_tables` and PAGE_SIZE (a power of two).
fn cache_slot(page_table: u32, position: u32) -> u32 {
  return page_tables[page_table + position / PAGE_SIZE] * PAGE_SIZE + position % PAGE_SIZE;
}
