//! What people look at: terminal text, SVG curves, HTML reports.
