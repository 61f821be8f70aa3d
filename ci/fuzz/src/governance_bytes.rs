//! Records, messages and policies of governance.

use governance::{Event, Message, Policy};

/// Any bytes are an event, a message, a challenge line and a policy, or an error each; what decodes
/// encodes to the very same bytes.
///
/// # Panics
/// If that is not so.
pub fn governance(input: &[u8]) {
    match Event::decode(input) {
        Ok(event) => assert_eq!(event.encode(), input),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    match Message::decode(input) {
        Ok(message) => {
            assert_eq!(message.encode(), input);
            assert_eq!(Message::from_line(&message.to_line()), Ok(message.clone()));
            let _ = message.to_string();
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(text) = core::str::from_utf8(input) {
        let _ = Message::from_line(text);
    }
    match Policy::parse(input) {
        Ok(policy) => assert_eq!(policy.text().as_bytes(), input),
        Err(error) => assert!(
            error.line <= input.split(|byte| *byte == b'\n').count(),
            "{error}"
        ),
    }
}
