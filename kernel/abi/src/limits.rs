//! Capacities that more than one part relies on.
//!
//! Each bound is stated once, here; a part that has a bound of its own keeps it at home.

/// Longest glyph id, in bytes.
pub const GLYPH_ID_BYTES_MAX: usize = 64;
/// Longest guardian id, in bytes.
pub const GUARDIAN_ID_BYTES_MAX: usize = 64;
/// Longest line that the console takes, in bytes: a 4 KiB paste and its command.
pub const LINE_BYTES_MAX: usize = 4608;
/// Longest free text of a governance record (title, justification, report), in bytes.
pub const TEXT_BYTES_MAX: usize = 1024;
/// Width of the substrate in cells, when no boot option says otherwise.
pub const GRID_WIDTH_DEFAULT: u32 = 64;
/// Height of the substrate in cells, when no boot option says otherwise.
pub const GRID_HEIGHT_DEFAULT: u32 = 64;
/// Most pairs in one superposition.
pub const SUPERPOSITION_PAIRS_MAX: usize = 8;
/// Most generations of ancestors that a glyph may have.
pub const GENERATIONS_MAX: usize = 32;
/// Most parents of one glyph.
pub const PARENTS_MAX: usize = 16;
/// Most commands in one program.
pub const COMMANDS_MAX: usize = 64;
