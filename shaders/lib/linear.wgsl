// Grids are spread over x and y, because no dimension may exceed 65535 workgroups.
fn linear_workgroup(wid: vec3u, grid: vec3u) -> u32 {
  return wid.x + wid.y * grid.x;
}
