//! Stripes looked at in every form that the processor has.

use super::*;
use crate::guard::sums::Run;
use vector::Form;

/// Whether one stripe is whole in the eyes of the scrubber.
fn is_whole(guard: &Guard, form: Form, stripe: usize) -> bool {
    let found = form.run(Run {
        guard,
        first: stripe,
        count: 1,
    });
    found.is_whole
}

#[test]
fn a_stripe_is_whole_in_every_form_until_any_word_of_it_changes() {
    for (width, height) in [(1, 1), (3, 5), (16, 16), (64, 64), (19, 70)] {
        let mut field = lively(width, height);
        let geometry = field.guard.geometry;
        for form in Form::all() {
            for stripe in 0..geometry.stripes {
                assert!(is_whole(&field.guard, form, stripe), "{form:?} {stripe}");
            }
            let stripe = geometry.stripes / 2;
            for block in geometry.blocks_of(stripe) {
                for bit in (0..BLOCK_BITS).step_by(67) {
                    flip(&mut field.guard, block, bit);
                    assert!(
                        !is_whole(&field.guard, form, stripe),
                        "{form:?} {block} {bit}"
                    );
                    if bit / 64 == WORDS {
                        flip(&mut field.guard, block, bit);
                        continue;
                    }
                    // With a checksum that goes with it, parities and generations still tell.
                    let checksum = field.guard.checksums[block];
                    let content = field.guard.block(block);
                    field.guard.checksums[block] = field.guard.checksum_of(content, block);
                    assert!(
                        !is_whole(&field.guard, form, stripe),
                        "{form:?} {block} {bit}"
                    );
                    field.guard.checksums[block] = checksum;
                    flip(&mut field.guard, block, bit);
                }
            }
        }
    }
}

#[test]
fn the_campaigns_hold_and_find_what_is_wrong_in_every_form() {
    for form in Form::all() {
        in_form(form, || {
            for (defect, campaign) in defects::OF_FORMS {
                campaign();
                let is_found = crate::defect::is_found(defect, campaign);
                assert!(is_found, "{defect:?} was not found in {form:?}");
            }
        });
    }
}

#[test]
fn every_form_leaves_the_same_memory_and_the_same_figures() {
    let mut fields: Vec<Substrate> = Form::all()
        .map(|form| in_form(form, || lively(300, 300)))
        .collect();
    for field in &mut fields {
        for cell in [5, 700, 70_000] {
            field.inject(Injection::Line(CellIndex(cell))).unwrap();
        }
        field.tick(40);
        field.scrub_all();
    }
    let (plainest, wider) = fields.split_first_mut().unwrap();
    let (status, digest) = (std::format!("{:?}", plainest.status()), plainest.digest());
    for field in wider {
        let form = field.form();
        assert_eq!(std::format!("{:?}", field.status()), status, "{form}");
        assert_eq!(field.digest(), digest, "{form}");
        assert_same_memory(field, plainest, form);
    }
}

#[test]
fn a_wave_keeps_both_parities_of_first_and_last_members_in_every_form() {
    let mut field = Substrate::new(1024, 1024).unwrap();
    let rows: Vec<u64> = (0..1024).step_by(93).chain([1023]).collect();
    for form in Form::all() {
        field.set_form(form);
        field.tick(1);
        for row in &rows {
            // Twice: a line that was stamped in this tick is not stamped again.
            for _ in 0..2 {
                field.wave(CellIndex(row * 1024 + 512), 2.0, 1.25).unwrap();
            }
        }
        assert_eq!(field.scrub_all().damaged, 0, "{form:?}");
    }
}
