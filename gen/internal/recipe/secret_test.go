package recipe

import (
	"strings"
	"testing"
)

// Whatever is wrong around a secret, its value stands in no message.
func TestSecretsStayOutOfMessages(t *testing.T) {
	for _, text := range []string{
		"environment: {HF_TOKEN: hunter2}",
		"environment: {HF_TOKEN: [hunter2, hunter2]}",
		"environment: {HF_TOKEN: {a: hunter2}}",
		"environment: {HF_TOKEN: \"hunter2\\n\"}",
		"environment: {my_password: 0020077}",
		"environment: {API_KEY: 0020077}",
		"environment: {API_KEY: 20077}",
		"secrets: {API_KEY: 20077}",
		"secrets: {HF_TOKEN: hunter2}",
		"secrets: {HF_TOKEN: [/hunter2]}",
		"secrets: {HF_TOKEN: {a: hunter2}}",
		"servers: {service_config: {api_key: hunter2}}",
		"sweep: {points: [{environment.HF_TOKEN: hunter2}]}",
		"sweep: {points: [{environment: {HF_TOKEN: hunter2}, nonsense: 1}, {environment.API_KEY: 0020077}]}",
		"sweep: {exclude: [{servers.service_config.api_key: [hunter2]}]}",
		", headers: {Authorization: Bearer hunter2}}",
		", headers: {X-Api-Key: [hunter2], Cookie: 20077}}",
		", extra_body: {deep: {api_key: hunter2}}}",
		"servers: {service_config: {api_key: [hunter2, hunter2]}}",
		"servers: {service_config: {distributed: {api_key: hunter2}}}",
	} {
		src := strings.Replace(demo, "dummy", "dummy, model: m", 1) + text + "\n"
		if strings.HasPrefix(text, ",") {
			src = strings.Replace(demo, "dummy}", "dummy, model: m"+text, 1)
		}
		_, diags := load(src, vllm, local)
		if !strings.Contains(diags, "error") {
			t.Errorf("%s is taken:\n%s", text, diags)
		}
		if strings.Contains(diags, "hunter2") || strings.Contains(diags, "20077") {
			t.Errorf("%s: the secret is told:\n%s", text, diags)
		}
	}
}

func TestWhatOnlySoundsSecretIsTaken(t *testing.T) {
	for _, text := range []string{
		"environment: {TOKENIZERS_PARALLELISM: false, MAX_TOKENS: 5, USE_KEY: true, HF_TOKEN_PATH: /x, EMPTY_KEY: ''}",
		"secrets: {HF_TOKEN: /home/me/.hf_token}",
	} {
		if _, diags := load(demo+text+"\n", dummy, local); diags != "" {
			t.Errorf("%s:\n%s", text, diags)
		}
	}
}
