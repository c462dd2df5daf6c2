package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"time"

	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/randfill"
)

// newFiller fills objects with what JSON and protobuf can both carry; zero values and nil are among it.
func newFiller(seed int64) *randfill.Filler {
	return randfill.NewWithSeed(seed).NilChance(0.4).NumElements(1, 2).MaxDepth(14).Funcs(
		func(t *meta.TypeMeta, c randfill.Continue) {}, // of an object in an object: protobuf has no field for it
		func(t *meta.Time, c randfill.Continue) { *t = meta.Unix(c.Int63n(4e9), 0) },
		func(t *meta.MicroTime, c randfill.Continue) { t.Time = time.UnixMicro(c.Int63n(4e15)).UTC() },
		func(d *meta.Duration, c randfill.Continue) { d.Duration = time.Duration(c.Int63n(1e15)) },
		func(q *resource.Quantity, c randfill.Continue) {
			*q = *resource.NewMilliQuantity(c.Int63n(1e6), resource.DecimalSI)
		},
		func(v *intstr.IntOrString, c randfill.Continue) {
			*v = intstr.FromInt32(c.Int31n(3))
			if c.Bool() {
				*v = intstr.FromString("a" + c.String(8))
			}
		},
		func(f *meta.FieldsV1, c randfill.Continue) { *f = *meta.NewFieldsV1(`{"f:metadata":{"f:name":{}}}`) },
		func(r *runtime.RawExtension, c randfill.Continue) { r.Raw = someJSON(c) },
		func(j *apiextensions.JSON, c randfill.Continue) { j.Raw = someJSON(c) },
		func(s *apiextensions.JSONSchemaPropsOrArray, c randfill.Continue) {
			s.Schema, s.JSONSchemas = &apiextensions.JSONSchemaProps{Type: c.String(4)}, nil
			if c.Bool() {
				s.Schema, s.JSONSchemas = nil, []apiextensions.JSONSchemaProps{{}, {Title: "b"}}
			}
		},
		func(s *apiextensions.JSONSchemaPropsOrBool, c randfill.Continue) {
			s.Allows, s.Schema = c.Bool(), nil
			if c.Bool() {
				s.Allows, s.Schema = true, &apiextensions.JSONSchemaProps{Type: c.String(4)}
			}
		},
		func(s *apiextensions.JSONSchemaPropsOrStringArray, c randfill.Continue) {
			s.Schema, s.Property = &apiextensions.JSONSchemaProps{}, nil
			if c.Bool() {
				s.Schema, s.Property = nil, []string{c.String(4), ""}
			}
		},
		func(n *int32, c randfill.Continue) { *n = []int32{0, 1, -1, 80, -1 << 31, 1<<31 - 1}[c.Intn(6)] },
		func(n *int64, c randfill.Continue) { *n = []int64{0, 1, -1, 1 << 52, -1 << 63, 1<<63 - 1}[c.Intn(6)] },
		func(n *float64, c randfill.Continue) { *n = []float64{0, -0.5, 1e9}[c.Intn(3)] },
		func(b *[]byte, c randfill.Continue) { *b = []byte(c.String(6)) },                          // not nil: JSON of Go tells it from empty
		func(e *authentication.ExtraValue, c randfill.Continue) { *e = []string{"", c.String(4)} }, // not nil, either
		func(a *authentication.AttestationValue, c randfill.Continue) { *a = []string{c.String(4)} },
		func(e *authorization.ExtraValue, c randfill.Continue) { *e = []string{c.String(4)} },
		func(s *string, c randfill.Continue) { *s = c.String(6) },
	)
}

func someJSON(c randfill.Continue) json.RawMessage {
	return json.RawMessage([]string{`{"a":[1,null,"ä"]}`, `"text"`, `0`, `false`,
		fmt.Sprintf(`{"n":%d}`, rand.New(rand.NewSource(c.Int63())).Int31())}[c.Intn(5)])
}
