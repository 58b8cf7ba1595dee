//! Who the client is to the service, and where an anonymous account becomes a registered one.

use std::time::SystemTime;

use url::Url;

use crate::protocol::{Credits, UserId};

/// Who the client is to the service.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder().base_url(backend.url());
/// # let client = client.in_memory_credentials().build()?;
/// use std::time::SystemTime;
///
/// let account = client.authenticate().await?;
/// assert!(account.user_id.is_some_and(|id| id.as_str().starts_with("anon_")));
/// assert!(account.expires_at.is_some_and(|end| end > SystemTime::now()));
///
/// let own = NemoClient::builder().base_url(backend.url()).token("nmv_usr_mine").build()?;
/// assert!(!own.authenticate().await?.anonymous);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Account {
    /// Whether it is anonymous: made by the service for this installation.
    pub anonymous: bool,
    /// Its id, where the service told it.
    pub user_id: Option<UserId>,
    /// The credits it had when its token was given out, where the service told them. That may be
    /// days ago and in another process; what is left now is for
    /// [`NemoClient::credits`](crate::NemoClient::credits) to tell.
    pub credits: Option<Credits>,
    /// When its token ends, where that is known.
    pub expires_at: Option<SystemTime>,
}

impl Account {
    /// The one behind a token of the user's own, of which the service tells nothing.
    pub(super) const fn own() -> Self {
        Self { anonymous: false, user_id: None, credits: None, expires_at: None }
    }

    /// Where an anonymous account becomes a registered one: `<web>/register?bind=<user id>`.
    /// `None` for an account of the user's own, which tops up instead.
    pub(super) fn registration_link(&self, web: &Url) -> Option<Url> {
        if !self.anonymous {
            return None;
        }
        let mut link = web.clone();
        // Not `Url::join`, which takes the last part of `https://host/nemo` for a file's name.
        link.path_segments_mut().ok()?.pop_if_empty().push("register");
        if let Some(user) = &self.user_id {
            link.query_pairs_mut().append_pair("bind", user.as_str());
        }
        Some(link)
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::Account;

    #[test]
    fn a_registration_link_keeps_the_path_of_the_web_site() {
        let account = Account { anonymous: true, user_id: Some("anon_1".into()), ..Account::own() };
        for (web, link) in [
            ("https://nemo.test", "https://nemo.test/register?bind=anon_1"),
            ("https://nemo.test/", "https://nemo.test/register?bind=anon_1"),
            ("https://host.test/nemo", "https://host.test/nemo/register?bind=anon_1"),
            ("https://host.test/nemo/", "https://host.test/nemo/register?bind=anon_1"),
        ] {
            let web = Url::parse(web).unwrap();
            assert_eq!(account.registration_link(&web).unwrap().as_str(), link);
        }
        let web = Url::parse("https://nemo.test").unwrap();
        assert_eq!(Account::own().registration_link(&web), None);
    }
}
