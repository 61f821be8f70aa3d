//! The fields of a GDF file: names, aliases and how they are recognised.
//!
//! Owns the list of keys. Every field has one number ([`Field::index`]) below [`Field::COUNT`].

/// A field of a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// `glyph_id`
    GlyphId,
    /// `chronocode`
    Chronocode,
    /// `parent_glyphs`
    ParentGlyphs,
    /// `resonance_freq`
    ResonanceFreq,
    /// `field_magnitude`
    FieldMagnitude,
    /// `coherence`
    Coherence,
    /// `contributor_inheritance`
    ContributorInheritance,
    /// `material_spec`
    MaterialSpec,
    /// `frequency_signature`
    FrequencySignature,
    /// `activation_simulation`
    ActivationSimulation,
    /// `entanglement_coeff`
    EntanglementCoeff,
    /// `phase_offset`
    PhaseOffset,
    /// `quantum_state`
    QuantumState,
    /// `metadata`
    Metadata,
    /// `dependencies`
    Dependencies,
    /// `outputs`
    Outputs,
    /// `constraints`
    Constraints,
    /// `gdf_version`
    GdfVersion,
}

impl Field {
    /// Number of fields.
    pub const COUNT: usize = 18;

    /// Every field, in the order of the specification's table.
    pub const ALL: [Field; Field::COUNT] = [
        Field::GlyphId,
        Field::Chronocode,
        Field::ParentGlyphs,
        Field::ResonanceFreq,
        Field::FieldMagnitude,
        Field::Coherence,
        Field::ContributorInheritance,
        Field::MaterialSpec,
        Field::FrequencySignature,
        Field::ActivationSimulation,
        Field::EntanglementCoeff,
        Field::PhaseOffset,
        Field::QuantumState,
        Field::Metadata,
        Field::Dependencies,
        Field::Outputs,
        Field::Constraints,
        Field::GdfVersion,
    ];

    /// The key in a file, also the label of metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Field::GlyphId => "glyph_id",
            Field::Chronocode => "chronocode",
            Field::ParentGlyphs => "parent_glyphs",
            Field::ResonanceFreq => "resonance_freq",
            Field::FieldMagnitude => "field_magnitude",
            Field::Coherence => "coherence",
            Field::ContributorInheritance => "contributor_inheritance",
            Field::MaterialSpec => "material_spec",
            Field::FrequencySignature => "frequency_signature",
            Field::ActivationSimulation => "activation_simulation",
            Field::EntanglementCoeff => "entanglement_coeff",
            Field::PhaseOffset => "phase_offset",
            Field::QuantumState => "quantum_state",
            Field::Metadata => "metadata",
            Field::Dependencies => "dependencies",
            Field::Outputs => "outputs",
            Field::Constraints => "constraints",
            Field::GdfVersion => "gdf_version",
        }
    }

    /// The second key that means the same, where there is one.
    #[must_use]
    pub const fn alias(self) -> Option<&'static str> {
        match self {
            Field::ParentGlyphs => Some("parent"),
            Field::ResonanceFreq => Some("resonance"),
            Field::FieldMagnitude => Some("magnitude"),
            Field::ContributorInheritance => Some("contributor"),
            Field::MaterialSpec => Some("material"),
            Field::FrequencySignature => Some("freq_sig"),
            Field::ActivationSimulation => Some("activation"),
            Field::EntanglementCoeff => Some("entanglement"),
            Field::PhaseOffset => Some("phase"),
            _ => None,
        }
    }

    /// The field that a key or alias names.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Field> {
        Some(match key {
            "glyph_id" => Field::GlyphId,
            "chronocode" => Field::Chronocode,
            "parent_glyphs" | "parent" => Field::ParentGlyphs,
            "resonance_freq" | "resonance" => Field::ResonanceFreq,
            "field_magnitude" | "magnitude" => Field::FieldMagnitude,
            "coherence" => Field::Coherence,
            "contributor_inheritance" | "contributor" => Field::ContributorInheritance,
            "material_spec" | "material" => Field::MaterialSpec,
            "frequency_signature" | "freq_sig" => Field::FrequencySignature,
            "activation_simulation" | "activation" => Field::ActivationSimulation,
            "entanglement_coeff" | "entanglement" => Field::EntanglementCoeff,
            "phase_offset" | "phase" => Field::PhaseOffset,
            "quantum_state" => Field::QuantumState,
            "metadata" => Field::Metadata,
            "dependencies" => Field::Dependencies,
            "outputs" => Field::Outputs,
            "constraints" => Field::Constraints,
            "gdf_version" => Field::GdfVersion,
            _ => return None,
        })
    }

    /// Position in [`Field::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Every name and alias, for near misses.
    pub(crate) fn keys() -> impl Iterator<Item = &'static str> {
        Field::ALL
            .iter()
            .flat_map(|field| core::iter::once(field.name()).chain(field.alias()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_and_alias_leads_back_to_its_field() {
        for (position, field) in Field::ALL.into_iter().enumerate() {
            assert_eq!(field.index(), position);
            assert_eq!(Field::from_key(field.name()), Some(field));
            if let Some(alias) = field.alias() {
                assert_eq!(Field::from_key(alias), Some(field));
            }
        }
        assert_eq!(Field::keys().count(), 27);
        assert_eq!(Field::from_key("Glyph_id"), None);
    }
}
