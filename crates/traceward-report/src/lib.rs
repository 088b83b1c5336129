//! What people look at: terminal text, SVG curves, HTML reports.

pub mod compare;
mod confusion;
pub mod detection;
pub mod doctor;
pub mod early;
pub mod evaluation;
mod figures;
pub mod html;
pub mod profile;
pub mod reliability;
pub mod svg;
pub mod table;
pub mod terminal;
