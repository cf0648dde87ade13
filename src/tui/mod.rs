//! The screen: state, actions, keymap, theme and drawing; screens one file a screen, widgets one a chart.

pub mod action;
pub mod effect;
pub mod keymap;
pub mod line;
pub mod panel;
pub mod screen;
pub mod screens;
pub mod table;
#[cfg(test)]
pub(crate) mod testing;
pub mod theme;
pub mod when;
pub mod widgets;
