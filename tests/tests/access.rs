//! Who gets at what: every operation of the document, by every role, on rows of their own and of another branch.

#[path = "access/calls.rs"]
mod calls;
#[path = "access/copying.rs"]
mod copying;
#[path = "access/ground.rs"]
mod ground;
#[path = "access/idor.rs"]
mod idor;
#[path = "access/matrix.rs"]
mod matrix;
#[path = "access/reach.rs"]
mod reach;
#[path = "access/reveal.rs"]
mod reveal;
#[path = "access/uploading.rs"]
mod uploading;
#[path = "access/world.rs"]
mod world;
