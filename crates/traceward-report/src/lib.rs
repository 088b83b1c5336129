//! What people look at: terminal text, SVG curves, HTML reports.

pub mod profile;
pub mod table;
pub mod terminal;
