//! Pictures of people, wherever they stand in the window: a face is a widget that is told whose it is, and shows that person's picture as soon
//! as it is known and in view, otherwise the first letters of the name. One for the whole program, like the toolkit itself: whoever shows a
//! person need not know where pictures come from. The root says which is whose; looking at a picture waits for another process, on
//! threads of their own.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};

use adw::prelude::*;
use gtk::{gdk, gio, glib};
use hobnob_shared::id::Hash;
use relm4::{adw, gtk};

use crate::pictures::album::Album;
use crate::pictures::avatar;
use crate::pictures::parent::{THIS_PROGRAM, WITHIN};
use crate::ui::transfers::texture;

thread_local! {
    static FACES: Rc<Faces> = Rc::default();
}

/// Which picture is whose, and all the widgets that show one.
#[derive(Default)]
struct Faces {
    folder: RefCell<PathBuf>,
    people: RefCell<HashMap<String, Hash>>,
    album: RefCell<Album<gdk::Texture>>,
    views: RefCell<Vec<Weak<View>>>,
    /// Lists whose scrolling is watched.
    lists: RefCell<Vec<glib::WeakRef<gtk::Adjustment>>>,
    /// It will be looked soon what is in view.
    soon: Cell<bool>,
}

struct View {
    avatar: adw::Avatar,
    /// Whose it is; none where it stands for something else.
    person: RefCell<Option<String>>,
}

/// A person's picture.
#[derive(Clone)]
pub struct Face(Rc<View>);

impl std::fmt::Debug for Face {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Face(..)")
    }
}

/// Pictures are kept in this folder.
pub fn kept_in(folder: PathBuf) {
    FACES.with(|faces| faces.folder.replace(folder));
}

/// This is a person's picture from now on.
pub fn set(user: &str, hash: Option<Hash>) {
    FACES.with(|faces| faces.set(user, hash));
}

impl Face {
    /// Nobody's yet, of `size` pixels.
    pub fn new(size: i32) -> Self {
        let avatar = adw::Avatar::new(size, None, true);
        let view = Rc::new(View { avatar, person: RefCell::default() });
        FACES.with(|faces| faces.views.borrow_mut().push(Rc::downgrade(&view)));
        let mapped = Rc::downgrade(&view);
        view.avatar.connect_map(move |_| {
            if let Some(view) = mapped.upgrade() {
                FACES.with(|faces| faces.appeared(&view));
            }
        });
        Self(view)
    }

    /// The widget.
    pub fn widget(&self) -> &adw::Avatar {
        &self.0.avatar
    }

    /// Shows this person.
    pub fn show(&self, user: &str) {
        self.show_as(user, None);
    }

    /// Shows this picture, whoever's it may become.
    pub fn preview(&self, picture: &gdk::Texture) {
        self.0.person.replace(None);
        self.0.avatar.set_custom_image(Some(picture));
    }

    /// Shows a person, or an icon in the colour that `name` gives.
    pub fn show_as(&self, name: &str, icon: Option<&str>) {
        let view = &self.0;
        if view.avatar.text().as_deref() != Some(name) {
            view.avatar.set_text(Some(name));
        }
        view.avatar.set_icon_name(icon);
        view.avatar.set_show_initials(icon.is_none());
        let person = icon.is_none().then(|| name.to_owned());
        if *view.person.borrow() != person {
            view.person.replace(person);
            FACES.with(|faces| {
                // What is known already is there from the first moment.
                faces.draw(view);
                faces.look_soon();
            });
        }
    }
}

impl View {
    /// In view, or less than a view's height away.
    fn is_near(&self) -> bool {
        if !self.avatar.is_mapped() {
            return false;
        }
        let Some(list) = self.avatar.ancestor(gtk::ScrolledWindow::static_type()) else { return true };
        let height = f64::from(list.height());
        let place = self.avatar.compute_bounds(&list);
        place
            .is_some_and(|place| f64::from(place.y() + place.height()) > -height && f64::from(place.y()) < 2.0 * height)
    }
}

impl Faces {
    fn set(self: &Rc<Self>, user: &str, hash: Option<Hash>) {
        let before = match hash {
            Some(hash) => self.people.borrow_mut().insert(user.to_owned(), hash),
            None => self.people.borrow_mut().remove(user),
        };
        if before == hash {
            return;
        }
        if let Some(before) = before
            && !self.people.borrow().values().any(|other| *other == before)
        {
            self.album.borrow_mut().forget(before);
        }
        for view in self.views().iter().filter(|view| view.person.borrow().as_deref() == Some(user)) {
            self.draw(view);
        }
        self.look_soon();
    }

    fn views(&self) -> Vec<Rc<View>> {
        let mut views = self.views.borrow_mut();
        views.retain(|view| view.strong_count() > 0);
        views.iter().filter_map(Weak::upgrade).collect()
    }

    fn hash(&self, view: &View) -> Option<Hash> {
        self.people.borrow().get(view.person.borrow().as_deref()?).copied()
    }

    fn draw(&self, view: &View) {
        let hash = self.hash(view);
        let picture = hash.and_then(|hash| self.album.borrow_mut().get(hash));
        if view.avatar.custom_image().and_downcast::<gdk::Texture>() != picture {
            view.avatar.set_custom_image(picture.as_ref());
        }
    }

    fn appeared(self: &Rc<Self>, view: &View) {
        if view.person.borrow().is_some() {
            self.draw(view);
        }
        if let Some(list) =
            view.avatar.ancestor(gtk::ScrolledWindow::static_type()).and_downcast::<gtk::ScrolledWindow>()
        {
            self.watch(&list.vadjustment());
        }
        self.look_soon();
    }

    /// What comes into view by scrolling is looked at too.
    fn watch(self: &Rc<Self>, list: &gtk::Adjustment) {
        let mut lists = self.lists.borrow_mut();
        lists.retain(|known| known.upgrade().is_some());
        if lists.iter().all(|known| known.upgrade().as_ref() != Some(list)) {
            lists.push(list.downgrade());
            let this = Rc::downgrade(self);
            list.connect_value_changed(move |_| {
                if let Some(this) = this.upgrade() {
                    this.look_soon();
                }
            });
        }
    }

    fn look_soon(self: &Rc<Self>) {
        if !self.people.borrow().is_empty() && !self.soon.replace(true) {
            let this = Rc::downgrade(self);
            // After the layout, which comes before what is idle.
            glib::idle_add_local_full(glib::Priority::DEFAULT_IDLE, move || {
                if let Some(this) = this.upgrade() {
                    this.soon.set(false);
                    this.look();
                }
                glib::ControlFlow::Break
            });
        }
    }

    fn look(self: &Rc<Self>) {
        let views = self.views();
        let near = views.iter().filter_map(|view| self.hash(view).filter(|_| view.is_near()));
        self.album.borrow_mut().wait_for(near);
        self.begin();
    }

    /// Begins as many looks as may run at once.
    fn begin(self: &Rc<Self>) {
        loop {
            let Some(hash) = self.album.borrow_mut().begin() else { return };
            let (this, folder) = (self.clone(), self.folder.borrow().clone());
            glib::spawn_future_local(async move {
                let looked =
                    gio::spawn_blocking(move || avatar::look(Path::new(THIS_PROGRAM), &folder, hash, WITHIN)).await;
                let found = match looked {
                    Ok(Ok(picture)) => Ok(picture.map(|picture| texture(picture).1)),
                    Ok(Err(why)) => {
                        tracing::debug!(%why, "a person's picture is not shown");
                        Err(())
                    }
                    Err(_) => Ok(None),
                };
                this.album.borrow_mut().end(hash, found);
                for view in this.views().iter().filter(|view| this.hash(view) == Some(hash)) {
                    this.draw(view);
                }
                this.begin();
            });
        }
    }
}
