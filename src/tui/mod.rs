//! The screen: state, actions, keymap, theme and drawing; screens one file a screen, widgets one a chart.

pub mod widgets;
